import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// PgBouncer in transaction mode: whoever is next gets whatever session is free.
    @Suite(.tags(.fault)) struct PoolerTests {
        private static let candles = 25

        /// Tickers are copied straight in, candles by way of staging tables. Connections are many, sessions are two.
        @Test func sessionsOfAPoolerAreTakenAsTheyCome() async throws {
            let scene = try await Scene()
            let pooler = try await LocalPgBouncer.startTemporary(before: scene.workerURL, sessions: 2)
            let workers = try ["a", "b"].map { try scene.watched($0, settings: settings(scene, pooler)) }
            var rounds = 0
            for _ in 0..<30 { try add(&rounds, to: scene) }
            try await scene.expectTickers(50 * rounds, covered: (50 + Self.candles) * rounds)
            // Each worker has its lanes, its housekeeper, and more.
            let sessions = try scene.number(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user")
            #expect((1...2).contains(sessions), "\(sessions) sessions")

            await pooler.stop()
            for _ in 0..<10 { try add(&rounds, to: scene) }
            try await eventually("nobody reaches the database") {
                workers.allSatisfy { $0.log(has: "the lane starts over") }
            }
            try await pooler.restart()
            for _ in 0..<10 { try add(&rounds, to: scene) }
            try await scene.expectTickers(50 * rounds, covered: (50 + Self.candles) * rounds)

            #expect(try scene.count("market_data_ohlcv") == Self.candles)
            #expect(try scene.number("SELECT count(*) FROM market_data_ohlcv WHERE close = \(rounds)") == Self.candles)
            #expect(try scene.letterCount() == 0, "\(workers.map { $0.process.tail() })")
            let staged = "SELECT count(*) FROM ingest.batch WHERE 'public.market_data_ohlcv' = ANY (tables)"
            #expect(try scene.number(staged) > 10)
            try await scene.stop(workers)
            await pooler.stop()
            await scene.stop()
        }

        /// Letters are replayed through the pooler, too.
        @Test func lettersAreReplayedThroughAPooler() async throws {
            let scene = try await Scene()
            let pooler = try await LocalPgBouncer.startTemporary(before: scene.workerURL, sessions: 2)
            for number in 1...200 { try scene.add("md:ohlcv", candle(number, close: "much")) }
            try await scene.drain(settings: settings(scene, pooler))
            #expect(try scene.letterCount() == 200)
            for _ in 1...2 {
                let result = try await scene.millrace(
                    ["dlq", "replay", "--all", "--set", "close=7", "--force"], settings: settings(scene, pooler))
                #expect(result.status == 0, "\(result.errors)")
            }
            #expect(try scene.number("SELECT count(*) FROM market_data_ohlcv WHERE close = 7") == 200)
            await pooler.stop()
            await scene.stop()
        }

        private func settings(_ scene: Scene, _ pooler: LocalPgBouncer) -> [String: String] {
            ["postgres.url": pooler.url(scene.workerURL), "batching.rows": "100"]
        }

        /// A round more: fifty tickers of their own, and a newer version of every candle.
        private func add(_ rounds: inout Int, to scene: Scene) throws {
            rounds += 1
            try scene.addTickers((rounds * 50 - 49)...(rounds * 50))
            var commands = CommandBuffer()
            for number in 1...Self.candles {
                let fields = words(candle(number, close: "\(rounds)"))
                commands.append([.text("XADD"), .text("md:ohlcv"), .text("*")] + fields)
            }
            let replies = try scene.onRedis().pipeline(commands)
            try #require(replies.allSatisfy { $0.error == nil })
        }

        private func words(_ fields: KeyValuePairs<String, String>) -> [RedisArgument] {
            fields.flatMap { [RedisArgument.text($0.key), .text($0.value)] }
        }

        private func candle(_ number: Int, close: String) -> KeyValuePairs<String, String> {
            [
                "time": "1735689600", "exchange": "X", "symbol": "S\(number)", "timeframe": "1m", "open": "1",
                "high": "100000", "low": "1", "close": close, "volume": "1",
            ]
        }
    }
}
