import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// Streams that an operator takes out of the flow, and gives back.
    struct PauseTests {
        @Test func aPausedStreamWaitsWhileOthersGoOn() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let port = HTTPProbe.freePort()
            let workers = try [
                scene.worker(
                    "w1", settings: ["lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"]),
                scene.worker("w2", settings: ["lanes": "2"]),
            ]
            try await eventually("trades come") { try scene.count("market_data_trades") > 500 }
            let paused = try await scene.millrace(["stream", "pause", "md:trades", "trades-X-*"])
            #expect(paused.status == 0, "\(paused.errors)")
            for worker in workers {
                try await eventually("it is told: \(worker.tail())") {
                    worker.errorsSoFar.contains("a stream is paused")
                }
            }
            let gauge = try await HTTPProbe.get("/metrics", port: port) { $0.series("millrace_paused") == 4 }
            #expect(gauge?.series("millrace_paused") == 4)
            let delivered = try await restingPlace(of: "md:trades", in: scene)
            let tickers = try scene.count("market_data_ticker")
            try await eventually("tickers go on") { try scene.count("market_data_ticker") > tickers + 3_000 }
            #expect(try scene.groupFact("last-delivered-id", of: "md:trades") == delivered)
            let list = try await scene.millrace(["stream", "ls", "md:trades", "--json"])
            #expect(list.output.contains(#""paused":true"#) && list.output.contains(#""paused_by":""#))

            // A worker that starts now reads none of it either.
            let late = try scene.worker("w3", settings: ["lanes": "1"])
            try await eventually("it knows at once") { late.errorsSoFar.contains("a stream is paused") }
            #expect(try scene.groupFact("last-delivered-id", of: "md:trades") == delivered)

            let resumed = try await scene.millrace(["stream", "resume", "*"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            let trades = try scene.count("market_data_trades")
            try await eventually("trades come again") { try scene.count("market_data_trades") > trades + 500 }
            feeder.stop()
            try await feeder.finish()
            for worker in workers + [late] {
                worker.send(SIGTERM)
                #expect(try await worker.wait().status == 0)
            }
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        /// The last id that was delivered, once it has been the same for three seconds: reads under way have ended.
        private func restingPlace(of stream: String, in scene: Scene) async throws -> String? {
            var (last, since) = (try scene.groupFact("last-delivered-id", of: stream), ContinuousClock.now)
            try await eventually(within: .seconds(60), "\(stream) rests") {
                let now = try scene.groupFact("last-delivered-id", of: stream)
                if now != last { (last, since) = (now, .now) }
                return ContinuousClock.now - since > .seconds(3)
            }
            return last
        }

        @Test func aDrainEndsAtAPausedStreamThatHasEntriesLeft() async throws {
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            #expect(try await scene.millrace(["stream", "pause", "md:ticker", "md:trades"]).status == 0)
            let drain = try await scene.millrace(["run", "--drain", "--timeout", "30s"], limit: .seconds(60))
            #expect(drain.status == 1)
            #expect(drain.errors.contains("md:ticker is paused"), "\(drain.errors)")
            #expect(try scene.count("market_data_ticker") == 0)
            #expect(try await scene.millrace(["stream", "resume", "md:ticker"]).status == 0)
            // One that is paused and has nothing left is no obstacle.
            try await scene.drain()
            #expect(try scene.count("market_data_ticker") == 1)
            await scene.stop()
        }
    }
}
