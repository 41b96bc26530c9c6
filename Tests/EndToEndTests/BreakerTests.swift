import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    /// One table that takes no rows holds up only its own streams, and makes no dead letters.
    struct BreakerTests {
        struct Breakage: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var sql: String
            var repair: String
        }

        static let breakages = [
            Breakage(
                testDescription: "a column is dropped and comes back",
                sql: "ALTER TABLE market_data_trades RENAME COLUMN price TO price_old",
                repair: "ALTER TABLE market_data_trades RENAME COLUMN price_old TO price"),
            Breakage(
                testDescription: "the table is away",
                sql: "ALTER TABLE market_data_trades RENAME TO market_data_trades_away",
                repair: "ALTER TABLE market_data_trades_away RENAME TO market_data_trades"),
        ]

        /// The catalog cannot be read while somebody alters a table: nothing is wrong with the mapping.
        @Test func aWorkerThatStartsWhileATableIsLockedWaitsForIt() async throws {
            let scene = try await Scene()
            try scene.add([.trade("a")])
            let locker = try PostgresConnection.connect(
                to: PostgresEndpoint(scene.databaseURL), applicationName: "locker")
            try locker.execute("BEGIN; LOCK TABLE market_data_trades IN ACCESS EXCLUSIVE MODE", deadline: .soon)
            let worker = try scene.worker(settings: ["startup.wait": "10m"])
            try await eventually(within: .seconds(60), "it waits for the lock: \(worker.tail())") {
                try scene.count(
                    "pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace/%' "
                        + "AND wait_event_type = 'Lock'") > 0
            }
            // Longer than a single look waits.
            try await Task.sleep(for: .seconds(11))
            #expect(worker.isRunning, "\(worker.tail())")
            try locker.execute("ROLLBACK", deadline: .soon)
            try await eventually("it starts: \(worker.tail())") { try scene.count("market_data_trades") == 1 }
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        @Test(arguments: breakages)
        func aBrokenTableHoldsUpOnlyItsOwnStreams(_ breakage: Breakage) async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let port = HTTPProbe.freePort()
            let workers = [
                try scene.worker("w1", settings: ["lanes": "2"]),
                try scene.worker(
                    "w2", settings: ["lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"]),
            ]
            try await eventually("trades come") { try scene.count("market_data_trades") > 500 }
            try scene.execute(breakage.sql)
            try await eventually("the table is held: \(workers.map { $0.tail() })") {
                workers.contains { $0.errorsSoFar.contains("a table takes no rows") }
            }
            let tickers = try scene.count("market_data_ticker")
            try await eventually("tickers go on") { try scene.count("market_data_ticker") > tickers + 3_000 }
            #expect(try scene.count("ingest.dead_letter") == 0)
            // It is ready, and says what it cannot do.
            let readiness = try await HTTPProbe.get("/readyz", port: port) { $0.body.contains("market_data_trades") }
            #expect(readiness?.status == 200 && readiness?.body.contains("held: ") == true, "\(readiness?.body ?? "")")

            try scene.execute(breakage.repair)
            let trades = try scene.count("market_data_trades")
            try await eventually(within: .seconds(60), "trades come again: \(workers.map { $0.tail() })") {
                try scene.count("market_data_trades") > trades
            }
            feeder.stop()
            try await feeder.finish()
            try await eventually("nothing stays pending") { try scene.pendingCount() == 0 && scene.isAllDelivered() }
            for worker in workers {
                #expect(worker.isRunning, "\(worker.tail())")
                worker.send(SIGTERM)
                #expect(try await worker.wait().status == 0)
            }
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            #expect(workers.contains { $0.errorsSoFar.contains("a table takes rows again") })
            await scene.stop()
        }

        /// The binary form of a number is a text, too: without a look at the columns it would be stored as one.
        @Test(arguments: ["amount TYPE text", "amount TYPE double precision", "price TYPE numeric(20,1)"])
        func aColumnOfAnotherTypeIsAdoptedWithoutARestart(change: String) async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.worker(settings: ["lanes": "2"])
            try await eventually("trades come") { try scene.count("market_data_trades") > 500 }
            // The views that ship look at these columns.
            try scene.execute("DROP VIEW market_data_ohlcv_1m_trades CASCADE; DROP VIEW latest_ticker CASCADE")
            try scene.execute(
                "ALTER TABLE market_data_trades ALTER COLUMN \(change); ALTER TABLE market_data_trades ADD COLUMN note text"
            )
            let trades = try scene.count("market_data_trades")
            try await eventually(within: .seconds(60), "trades come again: \(worker.tail())") {
                try scene.count("market_data_trades") > trades + 1_000
            }
            feeder.stop()
            try await feeder.finish()
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            #expect(try scene.count("market_data_trades WHERE amount::numeric IS DISTINCT FROM 2 OR price <> 1.5") == 0)
            await scene.stop()
        }

        /// Small batches at first: a few rows become letters before it shows that no row is to blame.
        @Test func aTableThatRefusesEveryRowIsHeldAndNotDeadLettered() async throws {
            let scene = try await Scene()
            try scene.execute("ALTER TABLE market_data_trades ADD CONSTRAINT never CHECK (price < 0) NOT VALID")
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.worker(settings: ["lanes": "2"])
            try await eventually("the table is held: \(worker.tail())") {
                worker.errorsSoFar.contains("a table takes no rows")
            }
            try await eventually("tickers go on") { try scene.count("market_data_ticker") > 5_000 }
            try scene.execute("ALTER TABLE market_data_trades DROP CONSTRAINT never")
            try await eventually(within: .seconds(120), "trades come: \(worker.tail())") {
                try scene.count("market_data_trades") > 1_000
            }
            feeder.stop()
            try await feeder.finish()
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await scene.drain()
            let letters = try scene.count("ingest.dead_letter")
            #expect(letters < 40, "less than 20 in a row of each lane")
            let entries = feeder.progress.confirmed
            #expect(try scene.covered() == entries)
            #expect(
                try scene.count("market_data_trades") + scene.count("market_data_ticker") == entries - letters)
            await scene.stop()
        }

        @Test func aTableLockedForLongHoldsUpOnlyItsOwnStreams() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.worker(settings: ["lanes": "2"])
            try await eventually("trades come") { try scene.count("market_data_trades") > 500 }
            let locker = try PostgresConnection.connect(
                to: PostgresEndpoint(scene.databaseURL), applicationName: "locker")
            try locker.execute("BEGIN; LOCK TABLE market_data_trades IN ACCESS EXCLUSIVE MODE", deadline: .soon)
            try await eventually("the table is held: \(worker.tail())") {
                worker.errorsSoFar.contains("a table takes no rows")
            }
            let tickers = try scene.count("market_data_ticker")
            try await eventually("tickers go on") { try scene.count("market_data_ticker") > tickers + 3_000 }
            try locker.execute("ROLLBACK", deadline: .soon)
            let trades = try scene.count("market_data_trades")
            try await eventually(within: .seconds(60), "trades come again: \(worker.tail())") {
                try scene.count("market_data_trades") > trades
            }
            feeder.stop()
            try await feeder.finish()
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        /// What two tables do not take stays in Redis, however much it is, and a third one flows.
        @Test func twoTablesThatTakeNothingCostNeitherMemoryNorTheThird() async throws {
            let scene = try await Scene()
            let small = ["batching.bytes": "64KiB", "limits.reply": "256KiB", "limits.entry": "64KiB"]
            let worker = try scene.watched(settings: small)
            try scene.addTickers(1...1_000)
            try await scene.expectTickers(1_000)
            let memory = highWaterMark(of: worker.process.pid)
            let lockers = try ["market_data_trades", "market_data_orderbook"].map { table in
                let locker = try PostgresConnection.connect(
                    to: PostgresEndpoint(scene.databaseURL), applicationName: "locker")
                try locker.execute("BEGIN; LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE", deadline: .soon)
                return locker
            }
            let filler = [(Array("note".utf8), [UInt8](repeating: 0x61, count: 1_000))]
            for part in 0..<10 {
                try scene.add((0..<1_000).map { RawEntry.trade("t\(part)-\($0)").adding(filler) })
                try scene.add((0..<1_000).map { RawEntry.book(part * 1_000 + $0).adding(filler) })
            }
            try await eventually("both are held: \(worker.process.tail())") {
                worker.process.errorsSoFar.split(separator: "\n").filter { $0.contains("a table takes no rows") }.count
                    >= 2
            }
            try scene.addTickers(1_001...11_000)
            // Between them a lane tries the two tables, and waits for their locks.
            try await eventually(within: .seconds(120), "tickers go on: \(worker.process.tail())") {
                try scene.count("market_data_ticker") == 11_000
            }
            let held = "pg_stat_activity WHERE datname = current_database() AND application_name = 'locker'"
            #expect(try scene.count("\(held) AND state = 'idle in transaction'") == 2, "the locks are held")
            #expect(try scene.count("ingest.dead_letter") == 0)
            for locker in lockers { try locker.execute("ROLLBACK", deadline: .soon) }
            try await eventually(within: .seconds(60), "all is stored: \(worker.process.tail())") {
                try scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            let grown = highWaterMark(of: worker.process.pid) - memory
            print("two held tables: 20 MB of entries behind them, memory grew by \(grown) MB")
            #expect(grown <= 16, "megabytes")
            try await scene.stop([worker])
            #expect(try scene.count("market_data_trades") == 10_000)
            #expect(try scene.count("market_data_orderbook") == 10_000)
            #expect(try scene.covered() == 31_000)
            await scene.stop()
        }

        /// `run --drain` does not wait for what only a person can mend.
        @Test func aDrainEndsAtABrokenTableAndNamesIt() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 50_000, entries: 4_000)
            try await feeder.finish()
            try await scene.drain()
            try scene.execute("ALTER TABLE market_data_trades ADD CONSTRAINT never CHECK (price < 0) NOT VALID")
            let more = Feeder(scene, rate: 50_000, entries: 4_000)
            try await more.finish()
            let drain = try await scene.millrace(["run", "--drain", "--timeout", "30s"], limit: .seconds(60))
            #expect(drain.status == 1)
            #expect(drain.errors.contains("md:trades") || drain.errors.contains("trades-X"), "\(drain.errors)")
            #expect(try scene.count("ingest.dead_letter") == 0)
            await scene.stop()
        }
    }
}
