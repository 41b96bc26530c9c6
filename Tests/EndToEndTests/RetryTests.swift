import Foundation
import Glibc
import IngestTesting
import PostgresWire
import Testing

extension EndToEnd {
    /// Letters that may heal are tried again by themselves, a few times, by whichever worker looks first.
    struct RetryTests {
        /// Every second, for longer than any of these tests.
        private static let quick = [
            "retry.initial_interval": "1s", "retry.max_interval": "1s", "retry.jitter": "none",
            "retry.max_attempts": "100",
        ]

        /// Trades refer to a table of exchanges that lacks one.
        private func sceneWithOrphan() async throws -> Scene {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE TABLE exchanges (name text PRIMARY KEY);
                INSERT INTO exchanges VALUES ('KRAKEN');
                ALTER TABLE market_data_trades ADD CONSTRAINT known_exchange FOREIGN KEY (exchange)
                  REFERENCES exchanges (name)
                """)
            return scene
        }

        private static let orphan = RawEntry.trade("orphan").replacing("exchange", with: Array("NEW".utf8))

        @Test func aMissingReferenceHealsByItselfWhenItComes() async throws {
            let scene = try await sceneWithOrphan()
            try scene.add([.trade("fine"), Self.orphan])
            let worker = try scene.worker(settings: Self.quick)
            try await eventually("the orphan failed once more") {
                try scene.count("ingest.dead_letter WHERE attempts >= 1 AND state = 'o' AND next_retry IS NOT NULL")
                    == 1
            }
            #expect(try scene.count("market_data_trades") == 1)
            try scene.execute("INSERT INTO exchanges VALUES ('NEW')")
            try await eventually("the orphan is stored") { try scene.letters("r") == 1 }
            #expect(try scene.count("market_data_trades WHERE trade_id = 'orphan'") == 1)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        @Test func afterTheLastTryALetterStaysOpenAndWaits() async throws {
            let scene = try await sceneWithOrphan()
            try scene.add([Self.orphan])
            let worker = try scene.worker(settings: Self.quick.merging(["retry.max_attempts": "2"]) { $1 })
            try await eventually("both tries were made") {
                try scene.count("ingest.dead_letter WHERE attempts = 2 AND state = 'o' AND next_retry IS NULL") == 1
            }
            worker.send(SIGTERM)
            try await worker.wait()
            let listed = try await scene.letterCommand(["dlq", "ls", "--json"])
            #expect(listed.output.contains(#""attempts":2"#))
            #expect(try await scene.letterCommand(["retry", "ls"]).output == "no dead letter is scheduled\n")
            await scene.stop()
        }

        @Test func whatCannotHealIsNotScheduled() async throws {
            let scene = try await Scene()
            try scene.add([RawEntry.trade("bad", price: "x")])
            try await scene.drain(settings: Self.quick)
            #expect(try scene.count("ingest.dead_letter WHERE next_retry IS NULL AND attempts = 0") == 1)
            await scene.stop()
        }

        @Test func retriesAreListedHurriedAndCancelled() async throws {
            let scene = try await sceneWithOrphan()
            try scene.add([Self.orphan, Self.orphan.replacing("trade_id", with: Array("orphan-2".utf8))])
            let slow = ["retry.initial_interval": "1h", "retry.jitter": "none"]
            try await scene.drain(settings: slow)
            let listed = try await scene.letterCommand(["retry", "ls", "--json"])
            #expect(listed.output.split(separator: "\n").count == 2)
            let first = try scene.rows(
                "SELECT ingest.stream_id(id) AS id FROM ingest.dead_letter ORDER BY id LIMIT 1")[0].requiredText("id")
            try await scene.letterCommand(["retry", "cancel", "--id", first], status: 2)
            let cancelled = try await scene.letterCommand(["retry", "cancel", "--id", first, "--force"])
            #expect(cancelled.output == "1 letters wait for an operator now\n")

            try scene.execute("INSERT INTO exchanges VALUES ('NEW')")
            let worker = try scene.worker(settings: slow)
            #expect(try await scene.letterCommand(["retry", "now", "--all"]).output == "1 letters are due now\n")
            try await eventually("the other one is stored") { try scene.letters("r") == 1 }
            #expect(try scene.count("market_data_trades WHERE trade_id = 'orphan-2'") == 1)
            #expect(try scene.letters("o") == 1)
            worker.send(SIGTERM)
            try await worker.wait()
            await scene.stop()
        }

        /// Letters of one table that cannot be tried neither keep those of others from being tried, nor give their
        /// attempts back.
        @Test func aTableThatTakesNoRowsHoldsUpNoOtherTablesLetters() async throws {
            let scene = try await sceneWithOrphan()
            try scene.makeLetters(2)
            let worker = try scene.worker(settings: Self.quick.merging(["retry.max_attempts": "2"]) { $1 })
            try scene.add([.trade("fine")])
            try await eventually("it works: \(worker.tail())") { try scene.count("market_data_trades") == 1 }
            try scene.execute(
                """
                ALTER TABLE market_data_ticker RENAME TO away;
                UPDATE ingest.dead_letter SET next_retry = now()
                """)
            try scene.add([Self.orphan])
            try await eventually("both tries of the orphan were made: \(worker.tail())") {
                try scene.count(
                    "ingest.dead_letter WHERE cause = 'refused' AND attempts = 2 AND next_retry IS NULL") == 1
            }
            #expect(try scene.count("ingest.dead_letter WHERE stream = 'md:ticker' AND attempts > 0") == 0)
            try scene.execute(
                "ALTER TABLE away RENAME TO market_data_ticker; UPDATE ingest.dead_letter SET next_retry = now()")
            try await eventually("the tickers are stored: \(worker.tail())") { try scene.letters("r") == 2 }
            worker.send(SIGTERM)
            try await worker.wait()
            await scene.stop()
        }

        /// The table is altered to take what it refused, and nothing else comes to it.
        @Test func lettersHealThoughTheirTableWasAlteredAndIsQuiet() async throws {
            let scene = try await sceneWithOrphan()
            try scene.add([Self.orphan])
            let worker = try scene.worker(settings: Self.quick)
            try await eventually("the orphan failed: \(worker.tail())") {
                try scene.count("ingest.dead_letter WHERE attempts >= 1") == 1
            }
            try scene.execute(
                """
                ALTER TABLE market_data_trades DROP CONSTRAINT known_exchange;
                ALTER TABLE market_data_trades ADD COLUMN remark text
                """)
            try await eventually("the orphan is stored: \(worker.tail())") { try scene.letters("r") == 1 }
            worker.send(SIGTERM)
            try await worker.wait()
            await scene.stop()
        }

        /// Another worker may know the stream.
        @Test func aWorkerThatDoesNotKnowTheStreamLeavesItsLettersAlone() async throws {
            let scene = try await sceneWithOrphan()
            try scene.add([Self.orphan])
            try await scene.drain(settings: ["retry.initial_interval": "1h", "retry.jitter": "none"])
            try scene.execute("INSERT INTO exchanges VALUES ('NEW'); UPDATE ingest.dead_letter SET next_retry = now()")
            let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yaml")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(
                """
                streams:
                  ticker:
                    keys: ["md:ticker"]
                    table: market_data_ticker
                    columns: { time: time, exchange: exchange, symbol: symbol, last_price: last_price }
                """.utf8
            ).write(to: file)
            let stranger = try scene.worker(
                "stranger", settings: Self.quick, environment: ["MILLRACE_CONFIG": file.path])
            try await eventually("the letter was looked at: \(stranger.tail())") {
                try scene.count("ingest.dead_letter WHERE next_retry > now() + interval '5 s' AND attempts = 0") == 1
            }
            #expect(try scene.count("ingest.dead_letter WHERE cause = 'refused' AND state = 'o'") == 1)
            stranger.send(SIGTERM)
            try await stranger.wait()
            try scene.execute("UPDATE ingest.dead_letter SET next_retry = now()")
            let worker = try scene.worker(settings: Self.quick)
            try await eventually("the letter is stored: \(worker.tail())") { try scene.letters("r") == 1 }
            worker.send(SIGTERM)
            try await worker.wait()
            await scene.stop()
        }

        @Test func manyWorkersRetryALetterOnce() async throws {
            let scene = try await Scene()
            try scene.makeLetters(1_200)
            try scene.execute("UPDATE ingest.dead_letter SET next_retry = now()")
            let workers = try (0..<3).map { try scene.worker("w\($0)", settings: Self.quick) }
            try await eventually("all are stored") { try scene.letters("r") == 1_200 }
            try scene.expectTickersOnce(1_200)
            #expect(try scene.count("ingest.dead_letter WHERE attempts <> 1") == 0)
            for worker in workers { worker.send(SIGTERM) }
            for worker in workers { try await worker.wait() }
            await scene.stop()
        }
    }
}
