import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import Records
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
            let limit = Duration.seconds(Proof.pick(120, proof: 1_200))
            try await eventually(within: limit, "cuts: \(redis.tally), \(postgres.tally)") {
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

        /// Acknowledgements of a batch go as one transaction: half of it is nothing of it. Nobody gets another connection,
        /// so that what is acknowledged afterwards was so before.
        @Test func aWorkerThatDiesBetweenTwoAcknowledgementsHasMadeNone() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            let proxy = try CuttingProxy(to: scene.redis.port)
            let worker = try scene.watched(settings: ["lanes": "1", "redis.url": scene.redisURL(through: proxy)])
            try await scene.expectRows("it works")
            proxy.cut(before: "XACK", occurrence: 2, .toServer, forGood: true)
            try await eventually("cut") { proxy.tally.cuts > 0 }
            worker.process.send(SIGKILL)
            try await worker.process.wait()
            let batches = try scene.batchesPending(of: "w")
            #expect(batches.whole > 0 && batches.inPart == 0, "\(batches)")
            let next = try scene.watched("next")
            try await eventually(within: .seconds(60), "claimed") { try scene.pendingOfFrozen("w") == 0 }
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
            // A lane asks for what comes in good time, from its second read on.
            let timeouts = worker.process.errorsSoFar.components(separatedBy: "the lane starts over").count - 1
            #expect(timeouts <= 1, "\(worker.process.tail())")
            for proxy in proxies { proxy.slow() }
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }
    }
}

extension Scene {
    /// Stored batches of a worker, of several streams each, of which every entry is pending, and of which only some are.
    fileprivate func batchesPending(of worker: String) throws -> (whole: Int, inPart: Int) {
        let entries = try entriesPending(of: worker, limit: 100_000)
        let found = try rows(
            """
            WITH pending AS (
              SELECT source_no, e.id FROM unnest($1::text[], $2::uuid[]) AS e(name, id)
                JOIN ingest.source ON stream = convert_to(name, 'UTF8')),
            batches AS (
              SELECT sum(r.n) AS entries, count(DISTINCT r.source_no) AS streams,
                     sum((SELECT count(*) FROM pending p WHERE p.source_no = r.source_no AND p.id BETWEEN r.lo AND r.hi))
                       AS pending
                FROM ingest.batch_range r GROUP BY r.batch)
            SELECT count(*) FILTER (WHERE pending = entries AND streams > 1) AS whole,
                   count(*) FILTER (WHERE pending > 0 AND pending < entries) AS in_part
              FROM batches
            """,
            [
                "{\(entries.map(\.stream).joined(separator: ","))}",
                "{\(entries.map(\.id.uuidHex).joined(separator: ","))}",
            ])[0]
        return (Int(try found.requiredInteger("whole")), Int(try found.requiredInteger("in_part")))
    }
}
