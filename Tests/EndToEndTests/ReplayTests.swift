import Foundation
import Glibc
import IngestTesting
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    /// A letter is stored once, whoever replays it, how often, and wherever that is interrupted.
    struct ReplayTests {
        @Test func aRefusedRowIsStoredUnderItsOwnIDOnceTheTableTakesIt() async throws {
            let scene = try await Scene()
            try scene.execute("ALTER TABLE market_data_trades ADD CONSTRAINT no_two CHECK (amount <> 2)")
            let bad = RawEntry.trade("refused").replacing("amount", with: Array("2".utf8))
            try scene.add([.trade("before"), bad, .trade("after")])
            try await scene.drain()
            #expect(try scene.letters("o") == 1)
            let detail = try scene.rows("SELECT detail, constraint_name, batch FROM ingest.dead_letter")[0]
            #expect(try detail.text("detail")?.contains("no_two") == true)
            #expect(try detail.text("constraint_name")?.contains("no_two") == true)
            #expect(try scene.count("ingest.batch WHERE batch = '\(detail.requiredText("batch"))'") == 1)

            // Too early: it fails again, and says so.
            let early = try await scene.letterCommand(["dlq", "replay", "--all"], status: 3)
            #expect(early.output.hasPrefix("0 of 1 are stored; 1 still fail:"))
            #expect(early.output.contains("SQLSTATE 23514"))
            #expect(try scene.number("SELECT attempts FROM ingest.dead_letter") == 1)

            try scene.execute("ALTER TABLE market_data_trades DROP CONSTRAINT no_two")
            let replay = try await scene.letterCommand(["dlq", "replay", "--table", "market_data_trades"])
            #expect(replay.output == "1 of 1 are stored\n")
            #expect(try scene.count("market_data_trades WHERE trade_id = 'refused'") == 1)
            let row = try scene.rows("SELECT state, attempts, stored_by, closed_by FROM ingest.dead_letter")[0]
            #expect(try row.text("state") == "r")
            #expect(try row.integer("attempts") == 2)
            #expect(try scene.count("ingest.batch WHERE batch = '\(row.requiredText("stored_by"))' AND rows = 1") == 1)

            let again = try await scene.letterCommand(["dlq", "replay", "--all"])
            #expect(again.output == "nothing to replay\n")
            #expect(try scene.count("market_data_trades") == 3)
            await scene.stop()
        }

        @Test func aDryRunSaysWhatWouldHappenAndChangesNothing() async throws {
            let scene = try await Scene()
            try scene.makeLetters(1_000, badEvery: 52)
            let before = try scene.rows(
                "SELECT md5(string_agg(l::text, '' ORDER BY id)) AS h FROM ingest.dead_letter l")
            let dry = try await scene.letterCommand(["dlq", "replay", "--all", "--dry-run"], status: 3)
            #expect(dry.output.hasPrefix("981 of 1,000 would succeed; 19 still fail:\n  19  not_a_number"))
            let after = try scene.rows("SELECT md5(string_agg(l::text, '' ORDER BY id)) AS h FROM ingest.dead_letter l")
            #expect(try before[0].text("h") == after[0].text("h"))
            #expect(try scene.count("market_data_ticker") == 0)

            try await scene.letterCommand(["dlq", "replay", "--all"], status: 3)
            try scene.expectTickersOnce(981)
            #expect(try scene.letters("o") == 19)
            #expect(
                try scene.count("ingest.dead_letter WHERE state = 'o' AND jsonb_array_length(attempt_log) = 1") == 19)

            // One value for all of them, from the command line; what came stays.
            try await scene.letterCommand(["dlq", "replay", "--all", "--force", "--set", "bid_price=0.5"])
            #expect(try scene.count("market_data_ticker WHERE bid_price = 0.5") == 19)
            #expect(
                try scene.count("ingest.dead_letter WHERE edited_by IS NOT NULL AND position('x' in payload::text) > 0")
                    == 19)
            await scene.stop()
        }

        @Test func twoReplaysAtOnceAndOneThatIsKilledStoreEachLetterOnce() async throws {
            try await race(letters: 2_000, rate: 20, killAt: 10)
        }

        @Test(.enabled(if: ProcessInfo.processInfo.environment["MILLRACE_PROVE"] == "1"))
        func aHundredThousandLettersAreStoredOnceByRacingReplays() async throws {
            try await race(letters: 100_000, rate: 20_000, killAt: 5_000)
        }

        private func race(letters: Int, rate: Int, killAt: Int) async throws {
            let scene = try await Scene()
            try scene.makeLetters(letters)
            let killed = try scene.startReplay(["--all", "--rate", "\(rate)"])
            try await eventually("the first replay stores something") {
                try scene.count("market_data_ticker") >= killAt
            }
            let open = try scene.letters("o")
            let racers = try (0..<2).map { _ in try scene.startReplay() }
            killed.send(SIGKILL)
            let end = try await killed.wait()
            #expect(end.status == SIGKILL && open > 0, "half way: \(open) letters are open, \(end.errors)")
            for racer in racers {
                let result = try await racer.wait()
                #expect(result.status == 0, "\(result.errors)")
            }
            #expect(try scene.letters("o") == 0)
            #expect(try scene.letters("r") == letters)
            try scene.expectTickersOnce(letters)
            await scene.stop()
        }

        @Test(.enabled(if: ProcessInfo.processInfo.environment["MILLRACE_PROVE"] == "1"))
        func aHundredThousandLettersAreGroupedAndReplayedFast() async throws {
            let scene = try await Scene()
            try scene.makeLetters(100_000)
            try scene.execute("VACUUM ANALYZE ingest.dead_letter")
            let clock = ContinuousClock()
            let grouping = try await clock.measure {
                let groups = try await scene.letterCommand(["dlq", "groups"])
                #expect(groups.output.contains("100,000"))
            }
            #expect(grouping < .seconds(1), "dlq groups took \(grouping)")
            let replaying = try await clock.measure { try await scene.letterCommand(["dlq", "replay", "--all"]) }
            let rate = Int(100_000 / (replaying / .seconds(1)))
            print("dlq groups of 100,000: \(grouping); replay of 100,000: \(replaying), \(rate)/s")
            // A debug build decodes too slowly to say anything.
            if ProcessInfo.processInfo.environment["MILLRACE_EXECUTABLE"] != nil { #expect(rate >= 20_000) }
            try scene.expectTickersOnce(100_000)
            await scene.stop()
        }

        @Test func aLetterWhoseRowIsThereAlreadyIsClosedWithoutASecondRow() async throws {
            let scene = try await Scene()
            // The same trade twice, the second time with a price that is no number.
            try scene.add([.trade("one"), RawEntry.trade("one", price: "x"), RawEntry.trade("two", price: "x")])
            try await scene.drain()
            #expect(try scene.letters("o") == 2)
            let result = try await scene.letterCommand(["dlq", "replay", "--all", "--force", "--set", "price=65432.10"])
            #expect(result.output == "2 of 2 are stored\n")
            #expect(try scene.count("market_data_trades") == 2)
            #expect(try scene.count("market_data_trades WHERE trade_id = 'one'") == 1)
            await scene.stop()
        }

        @Test func aReplayedVersionDoesNotReplaceALaterOne() async throws {
            let scene = try await Scene()
            func candle(_ id: String, close: String) throws {
                try scene.add(
                    "md:ohlcv", id: id,
                    [
                        "time": "1735689600", "exchange": "X", "symbol": "Y", "timeframe": "1m", "open": "1",
                        "high": "1", "low": "1", "close": close, "volume": "1",
                    ])
            }
            try candle("1735689600000-1", close: "x")
            try candle("1735689600000-2", close: "2")
            try await scene.drain()
            #expect(try scene.letters("o") == 1)
            try await scene.letterCommand(["dlq", "replay", "--all", "--set", "close=1"])
            #expect(try scene.letters("r") == 1)
            #expect(try scene.number("SELECT close::bigint FROM market_data_ohlcv") == 2)
            await scene.stop()
        }

        @Test func aLetterByReferenceIsFetchedFromItsStreamAndFromNoOther() async throws {
            let scene = try await Scene()
            let small = ["limits.dead_letter_payload": "1KiB"]
            let note = [(Array("note".utf8), [UInt8](repeating: 0x61, count: 4_000))]
            let ids = try scene.add([
                RawEntry.trade("kept", price: "x").adding(note), RawEntry.trade("gone", price: "x").adding(note),
            ])
            try await scene.drain(settings: small)
            #expect(try scene.count("ingest.dead_letter WHERE by_reference") == 2)
            try scene.command("XDEL", "md:trades", .text(ids[1]))
            let result = try await scene.letterCommand(
                ["dlq", "replay", "--all", "--force", "--set", "price=5"], status: 3)
            #expect(result.output.hasPrefix("1 of 2 are stored; 1 still fail:\n  1  deleted"))
            #expect(try scene.count("market_data_trades WHERE trade_id = 'kept'") == 1)
            await scene.stop()
        }

        /// The key of a letter's stream holds something else by now.
        @Test func aLetterWhoseKeyIsNoStreamHoldsUpNoOther() async throws {
            let scene = try await Scene()
            let note = [(Array("note".utf8), [UInt8](repeating: 0x61, count: 4_000))]
            try scene.add([RawEntry.trade("large", price: "x").adding(note), RawEntry.trade("small", price: "x")])
            try await scene.drain(settings: ["limits.dead_letter_payload": "1KiB"])
            try scene.command("DEL", "md:trades")
            try scene.command("SET", "md:trades", "no stream")
            let result = try await scene.letterCommand(
                ["dlq", "replay", "--all", "--force", "--set", "price=5"], status: 3)
            #expect(result.output.hasPrefix("1 of 2 are stored; 1 still fail:\n  1  deleted"))
            #expect(try scene.count("market_data_trades WHERE trade_id = 'small'") == 1)
            await scene.stop()
        }

        @Test func rowsAreFoundInAReplayToo() async throws {
            let scene = try await Scene()
            try scene.makeLetters(300)
            try scene.execute(
                "ALTER TABLE market_data_ticker ADD CONSTRAINT few CHECK (bid_price NOT IN (7, 150, 151))")
            let result = try await scene.letterCommand(["dlq", "replay", "--all", "--json"], status: 3)
            #expect(result.output.contains(#""stored":297"#))
            #expect(result.output.contains(#""failed":3"#))
            try scene.expectTickersOnce(297)
            let open =
                "SELECT string_agg(ingest.stream_id(id), ' ' ORDER BY id) AS ids FROM ingest.dead_letter WHERE state = 'o'"
            #expect(try scene.rows(open)[0].text("ids") == "1735689600007-0 1735689600150-0 1735689600151-0")
            await scene.stop()
        }
    }
}
