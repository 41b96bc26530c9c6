import Foundation
import IngestTesting
import LocalServices
import Records
import RedisWire
import Testing

extension EndToEnd {
    /// What is trimmed is stored, acknowledged by every group, and old.
    struct TrimTests {
        /// Entries with ids that are two hours old, `base` and up.
        private func addOld(_ numbers: Range<Int>, to stream: String, in scene: Scene, base: Int) throws {
            let (time, bid): (RedisArgument, RedisArgument) =
                stream.hasPrefix("ticker-") ? ("timestamp", "bid") : ("time", "bid_price")
            var commands = CommandBuffer()
            for number in numbers {
                commands.append(
                    "XADD", .text(stream), .text("\(base + number)-0"), time, "1735689600", "exchange", "X", "symbol",
                    "S", bid, .integer(number))
            }
            let replies = try scene.onRedis().pipeline(commands)
            try #require(replies.allSatisfy { $0.error == nil })
        }

        /// Two streams come, one after the other, that nothing keeps from being trimmed: when both are, the trimmer has
        /// looked at every stream in between.
        private func waitForALookAtEveryStream(in scene: Scene, base: Int) async throws {
            for stream in ["ticker-X-1", "ticker-X-2"] {
                try addOld(0..<1_000, to: stream, in: scene, base: base)
                try await eventually(within: .seconds(60), "\(stream) is trimmed") { try length(scene, stream) < 200 }
            }
        }

        private var twoHoursAgo: Int { Int(Date().timeIntervalSince1970 * 1_000) - 7_200_000 }

        private func length(_ scene: Scene, _ stream: String = "md:ticker") throws -> Int {
            Int(try scene.command("XLEN", .text(stream)).integer ?? -1)
        }

        @Test func theWorkerTrimsWhatEveryGroupHasAcknowledged() async throws {
            let scene = try await Scene()
            let base = twoHoursAgo
            try addOld(0..<5_000, to: "md:ticker", in: scene, base: base)
            try scene.command("XGROUP", "CREATE", "md:ticker", "other", "0")
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(
                settings: [
                    "trim.mode": "acked", "trim.every": "1s", "http.enabled": "true",
                    "http.address": "127.0.0.1:\(port)",
                ])
            try await eventually("all are stored") { try scene.covered() == 5_000 && scene.pendingCount() == 0 }
            // The other group has read some and acknowledged the first ones of these.
            let redis = try scene.onRedis()
            try redis.command("XREADGROUP", "GROUP", "other", "c", "COUNT", "3000", "STREAMS", "md:ticker", ">")
            try redis.command("XACK", "md:ticker", "other", .text("\(base)-0"), .text("\(base + 1)-0"))
            try await waitForALookAtEveryStream(in: scene, base: base)
            #expect(try length(scene) == 5_000, "two entries are less than a node, and the third is pending")
            var acknowledge = CommandBuffer()
            acknowledge.appendAcknowledge(
                stream: .init("md:ticker"), group: "other",
                ids: (2..<2_500).map { .init(milliseconds: UInt64(base + $0), sequence: 0) })
            _ = try redis.pipeline(acknowledge)
            try await eventually(within: .seconds(60), "what both have acknowledged goes: \(worker.tail())") {
                try (2_500...2_700).contains(length(scene))
            }
            let left = try length(scene)
            let metrics = try await HTTPProbe.get("/metrics", port: port) { reply in
                reply.series("millrace_stream_trimmed_total", "md:ticker") == Double(5_000 - left)
            }
            #expect(metrics?.series("millrace_stream_trimmed_total", "md:ticker") == Double(5_000 - left))
            #expect(worker.errorsSoFar.contains("trimmed what every group has acknowledged"))

            try redis.command("XGROUP", "DESTROY", "md:ticker", "other")
            try await eventually("alone, the rest goes") { try length(scene) < 200 }
            // What is younger than the retention stays.
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await eventually("it is stored") { try scene.covered() == 7_001 }
            try await Task.sleep(for: .seconds(2))
            #expect(try length(scene) >= 1)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            #expect(!worker.errorsSoFar.contains("before they were read"), "\(worker.tail())")
            #expect(!worker.errorsSoFar.contains("not accounted for"), "\(worker.tail())")
            await scene.stop()
        }

        @Test func theCommandRemovesNothingThatIsNotStored() async throws {
            let scene = try await Scene()
            let base = twoHoursAgo
            try addOld(0..<1_000, to: "md:ticker", in: scene, base: base)
            let unread = try await scene.millrace(["stream", "trim", "md:ticker", "--force"])
            #expect(unread.status == 1 && unread.output.contains("the consumer group does not read it"))
            try await scene.drain()
            // Acknowledged by hand, and not stored.
            try addOld(1_000..<1_100, to: "md:ticker", in: scene, base: base)
            let redis = try scene.onRedis()
            try redis.command("XREADGROUP", "GROUP", "millrace", "hand", "STREAMS", "md:ticker", ">")
            for number in 1_000..<1_100 {
                try redis.command("XACK", "md:ticker", "millrace", .text("\(base + number)-0"))
            }
            try addOld(1_100..<2_000, to: "md:ticker", in: scene, base: base)
            try await scene.drain()
            #expect(try scene.covered() == 1_900)
            let dry = try await scene.millrace(["stream", "trim", "md:ticker", "--dry-run", "--json"])
            #expect(dry.output.contains(#""below":"\#(base + 1_000)-0""#), "\(dry.output) \(dry.errors)")
            #expect(try length(scene) == 2_000)
            let refused = try await scene.millrace(["stream", "trim", "md:ticker"])
            #expect(refused.status == 2, "nobody is there to ask: \(refused.errors)")
            #expect(try await scene.millrace(["stream", "trim", "md:ticker", "--retention", "1m"]).status == 2)
            let done = try await scene.millrace(["stream", "trim", "md:ticker", "--force"])
            #expect(done.status == 0, "\(done.errors)")
            let left = try length(scene)
            #expect((1_000...1_100).contains(left), "\(left)")

            // The audit finds them, and reconcile stores them.
            let audit = try await scene.millrace(["audit", "--json"])
            #expect(audit.status == 3, "\(audit.errors)")
            #expect(audit.output.contains(#""missing":100"#), "\(audit.output)")
            #expect(audit.output.contains("\(base + 1_000)-0"))
            let stats = try await scene.millrace(["stats", "--json"])
            #expect(stats.output.contains(#""lost":100"#), "\(stats.output)")
            #expect(try await scene.millrace(["reconcile"]).status == 0)
            let again = try await scene.millrace(["audit"])
            #expect(again.status == 0, "\(again.output)")
            #expect(try await scene.millrace(["stats"]).output.contains("lost 0"))
            try await eventually("now all may go") {
                try scene.covered() == 2_000
            }
            #expect(try await scene.millrace(["stream", "trim", "md:ticker", "--force"]).status == 0)
            #expect(try length(scene) < 100)
            await scene.stop()
        }

        @Test func theCommandKeepsWhatTheWorkersWouldKeep() async throws {
            let scene = try await Scene()
            try addOld(0..<1_000, to: "md:ticker", in: scene, base: twoHoursAgo)
            try await scene.drain()
            let trim = ["stream", "trim", "md:ticker", "--force"]
            let kept = try await scene.millrace(trim, settings: ["trim.retention": "6h"])
            #expect(kept.status == 0 && kept.output.contains("nothing to remove"), "\(kept.output) \(kept.errors)")
            #expect(try length(scene) == 1_000)
            let forced = try await scene.millrace(trim + ["--retention", "1h"], settings: ["trim.retention": "6h"])
            #expect(forced.status == 0, "\(forced.errors)")
            #expect(try length(scene) < 200)
            await scene.stop()
        }

        @Test func aLetterByReferenceKeepsItsEntry() async throws {
            let scene = try await Scene()
            let base = twoHoursAgo
            try addOld(0..<500, to: "md:ticker", in: scene, base: base)
            try scene.command(
                "XADD", "md:ticker", .text("\(base + 500)-0"), "time", .text(String(repeating: "x", count: 20_000)))
            try addOld(501..<1_500, to: "md:ticker", in: scene, base: base)
            try await scene.drain(settings: ["limits.dead_letter_payload": "16KiB"])
            #expect(try scene.count("ingest.dead_letter WHERE by_reference") == 1)
            let limit = try await scene.millrace(["stream", "trim", "md:ticker", "--dry-run", "--json"])
            #expect(limit.output.contains(#""below":"\#(base + 500)-0""#), "\(limit.output) \(limit.errors)")
            try scene.execute("UPDATE ingest.dead_letter SET state = 'd'")
            let after = try await scene.millrace(["stream", "trim", "md:ticker", "--dry-run", "--json"])
            #expect(after.output.contains(#""below":"\#(base + 1_499)-1""#), "\(after.output) \(after.errors)")
            await scene.stop()
        }

        /// Its letter is by reference, too, but there is nothing to refer to.
        @Test func aLetterOfADeletedEntryHoldsNothingBack() async throws {
            let scene = try await Scene()
            let base = twoHoursAgo
            try addOld(0..<500, to: "md:ticker", in: scene, base: base)
            try await scene.drain()
            try addOld(500..<1_000, to: "md:ticker", in: scene, base: base)
            try scene.command("XREADGROUP", "GROUP", "millrace", "hand", "STREAMS", "md:ticker", ">")
            try scene.command("XDEL", "md:ticker", .text("\(base + 600)-0"))
            try await scene.drain(settings: ["claim.after": "1s"])
            #expect(try scene.count("ingest.dead_letter WHERE cause = 'deleted' AND by_reference AND state = 'o'") == 1)
            let limit = try await scene.millrace(["stream", "trim", "md:ticker", "--dry-run", "--json"])
            #expect(limit.output.contains(#""below":"\#(base + 999)-1""#), "\(limit.output) \(limit.errors)")
            await scene.stop()
        }

        @Test func nothingIsTrimmedWhileTheDatabaseWentBack() async throws {
            let scene = try await Scene()
            let base = twoHoursAgo
            try addOld(0..<1_000, to: "md:ticker", in: scene, base: base)
            try await scene.drain()
            let copy = try await scene.copyDatabase()
            try addOld(1_000..<2_000, to: "md:ticker", in: scene, base: base)
            try await scene.drain()
            try await scene.restore(copy)
            let worker = try scene.worker(settings: ["trim.mode": "acked", "trim.every": "1s"])
            try await eventually("it notices") { worker.errorsSoFar.contains("went back") }
            try await Task.sleep(for: .seconds(3))
            #expect(try length(scene) == 2_000)
            let command = try await scene.millrace(["stream", "trim", "md:ticker", "--force"])
            #expect(command.status == 1)
            #expect(command.output.contains("reconcile"), "\(command.output) \(command.errors)")
            #expect(try await scene.millrace(["reconcile"], settings: ["worker": "r"]).status == 0)
            try await eventually("afterwards it trims: \(worker.tail())") { try length(scene) < 200 }
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }
    }
}
