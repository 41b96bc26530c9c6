import Foundation
import IngestTesting
import LocalServices
import Testing

extension EndToEnd {
    /// Connections that break at any byte, fall silent, lose answers or are slow.
    @Suite(.tags(.fault)) struct NetworkTests {
        @Test func connectionsCutAtRandomBytesLoseNothing() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            let (redis, postgres) = (
                try CuttingProxy(to: scene.redis.port), try CuttingProxy(to: scene.postgres.port)
            )
            let worker = try scene.watched(
                settings: [
                    "redis.url": scene.redisURL(through: redis), "postgres.url": scene.postgresURL(through: postgres),
                    "batching.rows": "500",
                ])
            try await scene.expectRows("it works")
            redis.cutEvery(1_000...400_000)
            postgres.cutEvery(1_000...200_000)
            let cuts = Proof.pick(12, proof: 500)
            try await eventually(within: .seconds(Proof.pick(30, proof: 1_200)), "cuts") {
                redis.tally.cuts >= cuts && postgres.tally.cuts >= cuts
            }
            redis.cutEvery(nil)
            postgres.cutEvery(nil)
            try await scene.expectRows("it works again: \(worker.process.tail())")
            #expect(worker.log(has: "the lane starts over"))
            print("cuts: \(redis.tally), \(postgres.tally)")
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// The server commits, and its answers never come: nobody knows but the ledger.
        @Test func aCommitWhoseAnswerIsLostIsFoundInTheLedger() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 3_000)
            let proxy = try CuttingProxy(to: scene.postgres.port)
            let worker = try scene.watched(settings: ["postgres.url": scene.postgresURL(through: proxy)])
            try await scene.expectRows("it works")
            for _ in 1...5 {
                let swallowed = proxy.tally.swallowed
                // CopyDone: fence and COMMIT follow at the server.
                proxy.swallowAnswers(after: [UInt8(ascii: "c"), 0, 0, 0, 4])
                try await eventually("a commit nobody heard of") { proxy.tally.swallowed > swallowed + 100 }
                proxy.swallow(false, .toClient)
                proxy.cutAll()
                try await scene.expectRows("it goes on")
            }
            #expect(proxy.tally.swallowed > 0)
            #expect(worker.log(has: "the connection was lost during COMMIT"), "\(worker.process.tail())")
            #expect(await worker.metric("millrace_rows_deduplicated_total", "ledger") > 0)
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// Acknowledgements go as one transaction: half of it is nothing of it.
        @Test func aWorkerThatDiesBetweenTwoAcknowledgementsHasMadeNone() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            let proxy = try CuttingProxy(to: scene.redis.port)
            let worker = try scene.watched(settings: ["lanes": "1", "redis.url": scene.redisURL(through: proxy)])
            try await scene.expectRows("it works")
            proxy.cut(before: "XACK", occurrence: 2, .toServer)
            try await eventually("cut") { proxy.tally.cuts > 0 }
            worker.process.send(SIGKILL)
            try await worker.process.wait(limit: .seconds(5))
            #expect(try scene.pendingCount() > 0)
            let next = try scene.watched("next")
            try await eventually("claimed") { try scene.pendingOfFrozen("w") == 0 }
            #expect(await next.metric("millrace_rows_deduplicated_total", "ledger") > 0)
            try await scene.expectOnce(feeder, [next])
            await scene.stop()
        }

        enum Server: CaseIterable { case redis, postgres }

        /// No packet comes or goes, and nobody closes anything.
        @Test(.enabled(if: Proof.isOn), arguments: Server.allCases)
        func aSilentConnectionIsGivenUpAndAnotherIsMade(_ server: Server) async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let proxy = try CuttingProxy(to: server == .redis ? scene.redis.port : scene.postgres.port)
            let worker = try scene.watched(
                settings: server == .redis
                    ? ["redis.url": scene.redisURL(through: proxy)]
                    : ["postgres.url": scene.postgresURL(through: proxy)])
            try await scene.expectRows("it works")
            proxy.stall()
            try await eventually(within: .seconds(30), "given up") { worker.log(has: "the lane starts over") }
            proxy.stall(false)
            try await scene.expectRows("it goes on: \(worker.process.tail())", within: .seconds(20))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        @Test(.enabled(if: Proof.isOn)) func aSlowNetworkIsSlowAndNothingElse() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 300)
            let proxies = try [scene.redis.port, scene.postgres.port].map { try CuttingProxy(to: $0) }
            for proxy in proxies { proxy.slow(latency: .milliseconds(100), rate: 200_000) }
            let worker = try scene.watched(
                settings: [
                    "redis.url": scene.redisURL(through: proxies[0]),
                    "postgres.url": scene.postgresURL(through: proxies[1]),
                ])
            try await scene.expectRows("slowly: \(worker.process.tail())", more: 2_000, within: .seconds(60))
            // A long reply may not come in time; its entries are read back in smaller pieces.
            let timeouts = worker.process.errorsSoFar.components(separatedBy: "the lane starts over").count - 1
            #expect(timeouts < 6, "no storm of time-outs: \(worker.process.tail())")
            for proxy in proxies { proxy.slow() }
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }
    }
}
