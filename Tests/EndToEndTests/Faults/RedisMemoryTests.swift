import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// What becomes of a worker when Redis has no memory left.
    @Suite(.tags(.fault)) struct RedisMemoryTests {
        @Test func aFullServerIsReadAndAcknowledgedAndItsMirrorWaits() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 10_000)
            // One lane: of two that read a stream, the later note may be the lower one.
            let worker = try scene.watched(settings: ["batching.rows": "500", "lanes": "1"])
            try await eventually("every stream is read") {
                try scene.number("SELECT count(DISTINCT source_no) FROM ingest.ledger") == 8
            }
            // A backlog comes about while the worker stands still, broken entries in it; then the server is full.
            worker.process.send(SIGSTOP)
            let before = feeder.progress.confirmed
            try await eventually("a backlog") { feeder.progress.confirmed > before + 20_000 }
            feeder.stop()
            try await feeder.finish()
            for number in 0..<5 { try scene.add([.trade("broken\(number)", price: "x")]) }
            try scene.command("CONFIG", "SET", "maxmemory", "1mb")
            worker.process.send(SIGCONT)
            let entries = feeder.progress.confirmed + 5
            let full = try? scene.add("md:trades", ["time": "1"])
            #expect(full == nil || full == "", "Redis is full")
            try await eventually(within: .seconds(60), "worked off: \(worker.process.tail())") {
                try scene.covered() == entries && scene.letterCount() == 5 && scene.pendingCount() == 0
            }
            // The mirror is tried meanwhile, and refused.
            let backlog = try await HTTPProbe.get("/metrics", port: worker.port) {
                $0.series("millrace_dead_letter_mirror_backlog") == 5
            }
            #expect(backlog?.series("millrace_dead_letter_mirror_backlog") == 5)
            #expect(try scene.count("ingest.dead_letter WHERE mirrored") == 0)
            try scene.command("CONFIG", "SET", "maxmemory", "0")
            try await eventually("what was acknowledged meanwhile is noted") {
                let hash = try scene.command("HGETALL", "millrace:{millrace}:acked").array ?? []
                let last = try scene.streams().map { try scene.groupFact("last-delivered-id", of: $0) }
                // Some streams never had an entry.
                return Set(last).subtracting(["0-0"]).isSubset(of: hash.map(\.text))
            }
            try await eventually(within: .seconds(60), "all are mirrored: \(worker.process.tail())") {
                try scene.count("ingest.dead_letter WHERE mirrored") == 5
            }
            try await scene.stop([worker])
            #expect(try scene.covered() == entries)
            await scene.stop()
        }

        @Test func evictionIsWarnedOf() async throws {
            let scene = try await Scene(redisOptions: RedisOptions(appendOnly: false))
            try scene.command("CONFIG", "SET", "maxmemory", "100mb")
            try scene.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            try scene.addTickers(1...10)
            let worker = try scene.watched()
            try await scene.expectTickers(10)
            #expect(worker.log(has: "Redis may evict streams"))
            #expect(worker.log(has: "Redis forgets what is not stored yet"))
            try await scene.stop([worker])
            await scene.stop()
        }
    }
}
