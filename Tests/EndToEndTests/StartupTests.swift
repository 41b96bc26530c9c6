import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// What can be wrong before the first entry: one message that names it, the right exit code, and nothing touched.
    struct StartupTests {
        private static let nobody = "postgresql://millrace@127.0.0.1:1/none"

        /// Runs a worker that must not start; its streams must not have been touched.
        private func refuse(
            _ scene: Scene, _ settings: [String: String], status: Int32, naming words: [String],
            environment: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            try scene.add("md:trades", ["time": "1735689600", "price": "1"])
            // What is refused is told at once, what does not answer after the wait.
            let result = try await scene.millrace(
                ["run"],
                settings: settings.merging(["startup.wait": status == 78 ? "30s" : "1s"]) { given, _ in given })
            #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
            for word in words {
                #expect(result.errors.contains(word), "\(word) in: \(result.errors)", sourceLocation: sourceLocation)
            }
            #expect(!result.errors.contains("Fatal error"), sourceLocation: sourceLocation)
            #expect(try scene.groupFact("consumers", of: "md:trades") == nil, sourceLocation: sourceLocation)
            #expect(try scene.command("KEYS", "millrace:*").array?.isEmpty == true, sourceLocation: sourceLocation)
        }

        @Test func anUnknownKeyIsNamedTogetherWithTheNearest() async throws {
            let scene = try await Scene(migrated: false)
            try await refuse(scene, ["batching.row": "5"], status: 78, naming: ["batching.row", "batching.rows"])
            await scene.stop()
        }

        @Test func aValueThatCannotBeIsNamed() async throws {
            let scene = try await Scene(migrated: false)
            try await refuse(scene, ["lanes": "many"], status: 78, naming: ["lanes"])
            await scene.stop()
        }

        /// Anybody may write into the keys that workers share.
        @Test func figuresThatCannotBeStopNobody() async throws {
            let scene = try await Scene()
            try scene.add([.trade("one")])
            let (least, most) = (RedisArgument.text("\(Int.min)"), RedisArgument.text("\(Int.max)"))
            try scene.command("HSET", "millrace:{millrace}:workers", "x", least, "y", most)
            let note = RedisArgument.text("0-0 \(Int.max)")
            try scene.command("HSET", "millrace:{millrace}:audited", "1", note, "2", note)
            try scene.command("HSET", "millrace:{millrace}:unread", "1", least, "2", least)
            try scene.command("HSET", "millrace:{millrace}:paused", "md:other", .text("\(Int.min) x"))
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 1)
            #expect(try scene.command("HEXISTS", "millrace:{millrace}:workers", "x").integer == 0, "forgotten")
            let stats = try await scene.millrace(["stats"])
            #expect(!stats.errors.contains("Fatal error"), "\(stats.errors)")
            await scene.stop()
        }

        @Test func anUnreachablePostgreSQLIsNamedWithItsAddress() async throws {
            let scene = try await Scene(migrated: false)
            try await refuse(scene, ["postgres.url": Self.nobody], status: 1, naming: ["PostgreSQL", "127.0.0.1:1"])
            await scene.stop()
        }

        @Test func anUnreachableRedisIsNamedWithItsAddress() async throws {
            let scene = try await Scene()
            let result = try await scene.millrace(
                ["run"], settings: ["redis.url": "redis://127.0.0.1:1", "startup.wait": "1s"], limit: .seconds(30))
            #expect(result.status == 1)
            #expect(result.errors.contains("Redis at redis://127.0.0.1:1"), "\(result.errors)")
            #expect(try scene.count("ingest.source") == 0)
            await scene.stop()
        }

        @Test func aServerThatComesWithinTheTimeIsWaitedFor() async throws {
            let scene = try await Scene()
            try scene.add([.trade("waits")])
            await scene.redis.stop()
            let proxy = try CuttingProxy(to: scene.redis.port)
            let worker = try scene.worker(
                settings: ["redis.url": scene.redisURL(through: proxy), "startup.wait": "60s"])
            try await eventually(within: .seconds(60), "it tries again: \(worker.tail())") { proxy.tally.refused >= 2 }
            try await scene.redis.restart()
            try await eventually(within: .seconds(60), "it works: \(worker.tail())") {
                try scene.count("market_data_trades") == 1
            }
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        @Test func aWrongPasswordIsSaidWithoutShowingIt() async throws {
            let scene = try await Scene()
            let url = "postgresql://millrace:wrong-secret@127.0.0.1:\(scene.postgres.port)/\(scene.database)"
            try await refuse(scene, ["postgres.url": url], status: 78, naming: ["PostgreSQL", "28P01"])
            let result = try await scene.millrace(["run"], settings: ["postgres.url": url, "startup.wait": "1s"])
            #expect(!result.errors.contains("wrong-secret"))
            await scene.stop()
        }

        @Test func aDatabaseThatDoesNotExistIsNamed() async throws {
            let scene = try await Scene()
            try await refuse(
                scene, ["postgres.url": scene.postgres.url(database: "no_such_database")], status: 78,
                naming: ["no_such_database"])
            await scene.stop()
        }

        @Test func aDatabaseWithoutTheSchemaNamesTheCommandThatMakesIt() async throws {
            let scene = try await Scene(migrated: false)
            try await refuse(scene, [:], status: 78, naming: ["millrace migrate up"])
            await scene.stop()
        }

        @Test func aMissingTableIsNamed() async throws {
            let scene = try await Scene()
            try scene.execute("ALTER TABLE market_data_trades RENAME TO elsewhere")
            try await refuse(scene, [:], status: 78, naming: ["market_data_trades"])
            await scene.stop()
        }

        @Test func aMissingColumnIsNamedWithItsTable() async throws {
            let scene = try await Scene()
            try scene.execute("ALTER TABLE market_data_ticker RENAME COLUMN bid_price TO bid")
            try await refuse(scene, [:], status: 78, naming: ["market_data_ticker", "bid_price"])
            await scene.stop()
        }

        @Test func aMissingRightIsNamedWithItsTable() async throws {
            let scene = try await Scene()
            let role = "reader_\(scene.database)"
            try scene.execute(
                """
                CREATE ROLE \(role) LOGIN PASSWORD 'reads'; GRANT USAGE ON SCHEMA ingest TO \(role);
                GRANT ALL ON ALL TABLES IN SCHEMA ingest TO \(role); GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role);
                GRANT INSERT, UPDATE ON market_data_ohlcv, market_data_orderbook, market_data_ticker TO \(role)
                """)
            let url = "postgresql://\(role):reads@127.0.0.1:\(scene.postgres.port)/\(scene.database)"
            try await refuse(scene, ["postgres.url": url], status: 78, naming: ["market_data_trades", "INSERT"])
            await scene.stop()
        }

        @Test func aRedisThatWantsAPasswordIsNamed() async throws {
            let scene = try await Scene()
            try scene.add("md:trades", ["time": "1735689600", "price": "1"])
            try scene.command("ACL", "SETUSER", "default", "resetpass", ">known")
            let result = try await scene.millrace(["run"], settings: ["startup.wait": "1s"], limit: .seconds(30))
            #expect(result.status == 78, "\(result.errors)")
            #expect(result.errors.contains("Redis at"), "\(result.errors)")
            #expect(try scene.count("ingest.source") == 0)
            await scene.stop()
        }

        @Test func anAddressInUseIsNamed() async throws {
            let scene = try await Scene()
            let port = scene.redis.port
            let result = try await scene.millrace(
                ["run"], settings: ["http.enabled": "true", "http.address": "127.0.0.1:\(port)"], limit: .seconds(30))
            #expect(result.status == 78 || result.status == 1)
            #expect(result.errors.contains("\(port)"), "\(result.errors)")
            await scene.stop()
        }
    }
}
