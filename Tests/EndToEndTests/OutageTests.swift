import Foundation
import IngestTesting
import LocalServices
import Testing

extension EndToEnd {
    /// A server goes away and comes back: the worker lives, and goes on by itself.
    struct OutageTests {
        enum Outage: String, CaseIterable, Sendable, CustomTestStringConvertible {
            case postgresFast, postgresImmediate, redisStopped, redisKilled

            var testDescription: String { rawValue }

            func begin(_ scene: Scene) async {
                switch self {
                case .postgresFast: await scene.postgres.stop(mode: .fast)
                case .postgresImmediate: await scene.postgres.stop(mode: .immediate)
                case .redisStopped: await scene.redis.stop()
                case .redisKilled: scene.redis.kill()
                }
            }

            func end(_ scene: Scene) async throws {
                switch self {
                case .postgresFast, .postgresImmediate: try await scene.postgres.restart()
                case .redisStopped, .redisKilled: try await scene.redis.restart()
                }
            }
        }

        /// Seconds on a machine that has nothing else to do.
        private static let returnLimit = Proof.pick(Duration.seconds(60), proof: .seconds(15))

        @Test func workersOutliveEveryOutageAndGoOnWithinSeconds() async throws {
            let scene = try await Scene(ownPostgres: true)
            let feeder = Feeder(scene, rate: 3_000)
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(
                settings: ["lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            for outage in Outage.allCases {
                let before = try scene.count("market_data_ticker")
                try await eventually("rows come before \(outage)") {
                    try scene.count("market_data_ticker") > before + 500
                }
                await outage.begin(scene)
                let down = try await HTTPProbe.get("/readyz", port: port) { $0.status == 503 }
                #expect(down?.status == 503, "\(outage)")
                #expect(await HTTPProbe.get("/healthz", port: port)?.status == 200, "\(outage)")
                try await Task.sleep(for: .seconds(2))
                try await outage.end(scene)
                let upAt = ContinuousClock.now
                let stored = try scene.count("market_data_ticker")
                try await eventually(within: Self.returnLimit, "rows come again after \(outage): \(worker.tail())") {
                    try scene.count("market_data_ticker") > stored
                }
                let ready = try await HTTPProbe.get("/readyz", port: port, within: Self.returnLimit) {
                    $0.status == 200
                }
                #expect(ready?.status == 200, "\(outage): \(ready?.body ?? "")")
                print("outage: \(outage): ready again \(ContinuousClock.now - upAt) after the server")
            }
            feeder.stop()
            try await feeder.finish()
            #expect(worker.isRunning)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
            await scene.postgres.stop()
        }

        #if DEBUG
            /// A debug build keeps more; what matters is that it does not grow with the backlog.
            private static let memoryLimit = 150
        #else
            private static let memoryLimit = 100
        #endif

        @Test func memoryStaysBoundedWhateverTheBacklog() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 1_000_000, entries: 300_000)
            try await feeder.finish()
            let began = ContinuousClock.now
            let worker = try scene.worker(settings: ["lanes": "2"])
            var highest = 0
            try await eventually(within: .seconds(180), "the backlog is worked off") {
                highest = max(highest, highWaterMark(of: worker.pid))
                return try scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            let took = (ContinuousClock.now - began) / .seconds(1)
            highest = max(highest, highWaterMark(of: worker.pid))
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            print("memory: \(highest) MB at most, over 300000 entries in \(Int(took)) s (\(Int(300_000 / took))/s)")
            #expect(highest > 0)
            #expect(highest < Self.memoryLimit, "megabytes")
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        /// Producers go on for five minutes while the database is away.
        @Test(.enabled(if: Proof.isOn)) func aDatabaseAwayForMinutesCostsTimeAndNothingElse() async throws {
            let scene = try await Scene(ownPostgres: true)
            let feeder = Feeder(scene, rate: 2_000)
            let workers = try ["a", "b"].map { try scene.watched($0) }
            try await scene.expectRows("workers work")
            await scene.postgres.stop(mode: .fast)
            try await Task.sleep(for: .seconds(15))
            let memory = workers.map { highWaterMark(of: $0.process.pid) }
            let pending = try scene.pendingByConsumer()
            try await Task.sleep(for: .seconds(285))
            let grown = zip(workers, memory).map { highWaterMark(of: $0.process.pid) - $1 }
            #expect(grown.allSatisfy { $0 <= 8 }, "megabytes: \(grown)")
            #expect(try scene.pendingByConsumer() == pending, "nothing is read, nothing is taken from the living")
            try await scene.postgres.restart()
            let began = ContinuousClock.now
            try await scene.expectRows("rows come again", within: .seconds(15))
            print("outage: 300 s without PostgreSQL; rows again after \(ContinuousClock.now - began)")
            try await scene.expectOnce(feeder, workers, within: .seconds(180))
            print("outage: \(feeder.progress.confirmed) entries stored once after \(ContinuousClock.now - began)")
            #expect(try scene.letterCount() == 0)
            await scene.stop()
            await scene.postgres.stop()
        }
    }
}
