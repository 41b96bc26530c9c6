import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// Consumers that died: what they held, how they are seen and removed.
    struct ConsumerTests {
        /// 100,000 entries; a million with `MILLRACE_PROVE=1`.
        static let ghostEntries = KillTests.isProof ? 1_000_000 : 100_000

        /// Entries of one stream, pending with a lane that died an hour ago.
        private func leave(_ count: Int, with consumer: String, in scene: Scene) async throws {
            let redis = try scene.onRedis()
            redis.commandTimeout = .seconds(120)
            let script = """
                for i = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1 do
                  redis.call('XADD', 'md:ticker', '*', 'time', '1735689600', 'exchange', 'X', 'symbol', 'S',
                    'bid_price', string.format('%d', i))
                end
                """
            for first in stride(from: 0, to: count, by: 10_000) {
                try redis.command("EVAL", .text(script), 0, .integer(first), .integer(min(10_000, count - first)))
                try redis.command(
                    "XREADGROUP", "GROUP", "millrace", .text(consumer), "COUNT", "10000", "STREAMS", "md:ticker", ">")
            }
            let time = Int(Date().timeIntervalSince1970 * 1_000) - 3_600_000
            try redis.command("HSET", "millrace:{millrace}:workers", .text(consumer), .integer(time))
        }

        /// Slow commands of workers, in microseconds.
        private func slowCommands(_ scene: Scene) throws -> [(microseconds: Int, name: String)] {
            (try scene.command("SLOWLOG", "GET", "128").array ?? []).compactMap { entry in
                guard let parts = entry.array, parts.count > 5, parts[5].text?.hasPrefix("millrace/") == true,
                    let time = parts[2].integer
                else { return nil }
                return (Int(time), parts[3].array?.first?.text ?? "")
            }
        }

        @Test func thePendingListOfADeadConsumerIsDrainedGently() async throws {
            let count = Self.ghostEntries
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await scene.drain()
            try await leave(count, with: "ghost.0.0", in: scene)
            try scene.command("CONFIG", "SET", "slowlog-log-slower-than", "20000")
            try scene.command("CONFIG", "SET", "slowlog-max-len", "128")
            scene.letRedisGoFirst()
            try scene.command("SLOWLOG", "RESET")
            try scene.command("CONFIG", "RESETSTAT")
            let start = ContinuousClock.now
            let worker = try scene.worker(settings: ["lanes": "2"])
            try await eventually(within: .seconds(KillTests.isProof ? 300 : 90), "all are taken: \(worker.tail())") {
                try scene.pendingCount() == 0
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let slow = try slowCommands(scene)
            let peak = highWaterMark(of: worker.pid)
            print("PEL of \(count): \(seconds) s, \(peak) MB, slow commands \(slow)")
            // The machine may be busy with other things, and a command is then interrupted now and then; what the design
            // decides is that no kind of command is slow.
            #expect(slow.count <= 12, "commands over 20 ms: \(slow)")
            let latencies = (try scene.command("INFO", "latencystats").text ?? "").split(separator: "\r\n")
            for line in latencies where ["xclaim", "xpending", "xrange", "xack"].contains(where: line.contains) {
                let p99 = line.split(separator: ",").first { $0.hasPrefix("p99=") }
                #expect(p99.flatMap { Double($0.dropFirst(4)) } ?? .infinity < 20_000, "\(line)")
            }
            #expect(peak > 0 && peak < 400, "megabytes")
            #expect(worker.errorsSoFar.contains("a consumer is dead and holds entries"))
            #expect(try scene.count("market_data_ticker") == count + 1)
            #expect(try scene.covered() == count + 1)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        /// XCLAIM drops an entry that was deleted; it must become a letter all the same.
        @Test func anEntryDeletedWhilePendingIsAccountedFor() async throws {
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await scene.drain()
            try await leave(100, with: "ghost.0.0", in: scene)
            try await leave(100, with: "stranger", in: scene)
            try scene.command("HDEL", "millrace:{millrace}:workers", "stranger")
            let ids = (try scene.command("XRANGE", "md:ticker", "-", "+").array ?? []).compactMap { $0.array?[0].text }
            for id in [ids[5], ids[50], ids[51], ids[150]] { try scene.command("XDEL", "md:ticker", .text(id)) }
            try await scene.drain(settings: ["claim.after": "1s"])
            #expect(try scene.count("market_data_ticker") == 197)
            #expect(try scene.count("ingest.dead_letter WHERE cause = 'deleted'") == 4)
            #expect(try scene.covered() == 201)
            #expect(try await scene.millrace(["audit"]).status == 0)
            await scene.stop()
        }

        @Test func deadConsumersAreReportedAndRemovedOnlyWhenEmpty() async throws {
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await scene.drain()
            try await leave(50, with: "ghost.0.0", in: scene)
            let list = try await scene.millrace(["consumer", "ls", "--json"])
            #expect(list.output.contains(#""consumer":"ghost.0.0""#), "\(list.errors)")
            #expect(list.output.contains(#""pending":50,"state":"silent""#), "\(list.output)")
            #expect(!list.output.contains("epoch:"))
            let stats = try await scene.millrace(["stats"])
            #expect(stats.output.contains("dead consumer ghost.0.0 holds 50 entries"), "\(stats.output)")
            let workers = try await scene.millrace(["worker", "ls", "--json"])
            #expect(workers.output.contains(#""worker":"ghost""#), "\(workers.output)")

            let refused = try await scene.millrace(["consumer", "rm", "ghost.0.0"])
            #expect(refused.status == 1 && refused.errors.contains("holds 50 pending"), "\(refused.errors)")
            #expect(try scene.pending(of: "md:ticker")["ghost.0.0"] == 50)
            let marker = (try scene.command("XINFO", "CONSUMERS", "md:ticker", "millrace").array ?? [])
                .compactMap { $0.array?[1].text }.first { $0.hasPrefix("epoch:") }
            let name = try #require(marker)
            #expect(try await scene.millrace(["consumer", "rm", name, "--force"]).status == 2)
            let removed = try await scene.millrace(["consumer", "rm", "ghost.0.0", "--force"])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(try scene.pending(of: "md:ticker") == ["released": 50])
            #expect(try await scene.millrace(["consumer", "rm", "ghost.0.0"]).status == 1)
            try await scene.drain()
            #expect(try scene.count("market_data_ticker") == 51)
            await scene.stop()
        }

        /// The look and the removal are one step: entries that come between them are not dropped.
        @Test func aConsumerThatGetsEntriesWhileItIsRemovedKeepsThem() async throws {
            let scene = try await Scene()
            try scene.command("XGROUP", "CREATE", "md:ticker", "millrace", "0", "MKSTREAM")
            let first = try scene.onRedis()
            let second = try scene.onRedis()
            try first.command("XGROUP", "CREATECONSUMER", "md:ticker", "millrace", "old")
            try first.command("WATCH", "md:ticker")
            try second.command("XADD", "md:ticker", "1-1", "a", "b")
            try second.command("XREADGROUP", "GROUP", "millrace", "old", "STREAMS", "md:ticker", ">")
            try first.command("MULTI")
            try first.command("XGROUP", "DELCONSUMER", "md:ticker", "millrace", "old")
            #expect(try first.command("EXEC").isNull, "the stream changed")
            #expect(try scene.pending(of: "md:ticker") == ["old": 1])
            await scene.stop()
        }

        /// Asked again when the machine stood still for so long that a living worker seemed to be silent.
        private func answer(
            of command: [String], in scene: Scene, until isWanted: (MillraceProcess.Result) -> Bool
        ) async throws -> MillraceProcess.Result {
            for _ in 1...4 {
                let result = try await scene.millrace(command)
                if isWanted(result) { return result }
            }
            return try await scene.millrace(command)
        }

        @Test func aWorkerThatLivesIsNotRemoved() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.worker("w1", settings: ["lanes": "1"])
            try await eventually("rows come") { try scene.count("market_data_ticker") > 100 }
            let refused = try await answer(of: ["consumer", "rm", "w1.0.0", "--force"], in: scene) { $0.status == 1 }
            #expect(refused.status == 1 && refused.errors.contains("is reading"), "\(refused.errors)")
            let workers = try await answer(of: ["worker", "ls", "--json"], in: scene) {
                $0.output.contains(#""state":"alive""#)
            }
            #expect(workers.output.contains(#""lanes":1,"lanes_alive":1"#), "\(workers.output)")
            #expect(workers.output.contains(#""state":"alive""#))
            // Taken from a worker in the middle of its work, entries are stored once all the same.
            var moved = 0
            for _ in 0..<5 {
                let release = try await scene.millrace(["pending", "release", "--all", "--force", "--json"])
                #expect(release.status == 0, "\(release.errors)")
                for count in release.output.matches(of: /"moved":(\d+)/) { moved += Int(count.1) ?? 0 }
            }
            #expect(moved > 0)
            let claim = try await scene.millrace(["pending", "claim", "--to", "w1.0.0", "--all", "--force"])
            #expect(claim.status == 2, "a worker does not look for what is given to it: \(claim.errors)")
            feeder.stop()
            try await feeder.finish()
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        @Test func pendingEntriesAreClaimedForAPersonAndReleased() async throws {
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await scene.drain()
            try await leave(20, with: "ghost.0.0", in: scene)
            #expect(try await scene.millrace(["pending", "claim", "--to", "ada"]).status == 2, "not all by omission")
            let dry = try await scene.millrace(["pending", "claim", "--to", "ada", "--all", "--dry-run"])
            #expect(dry.output.contains("20 entries would be moved"), "\(dry.output) \(dry.errors)")
            let page = try scene.command("XPENDING", "md:ticker", "millrace", "-", "+", "5").array ?? []
            let ids = page.compactMap { $0.array?[0].text }.flatMap { ["--id", $0] }
            let some = try await scene.millrace(
                ["pending", "claim", "--to", "ada", "--stream", "md:ticker", "--force"] + ids)
            #expect(some.status == 0, "\(some.errors)")
            #expect(try scene.pending(of: "md:ticker") == ["ghost.0.0": 15, "ada": 5])
            let released = try await scene.millrace(
                ["pending", "release", "--stream", "md:ticker", "--consumer", "ada", "--force", "--json"])
            #expect(released.output.contains(#""moved":5"#), "\(released.output) \(released.errors)")
            #expect(try scene.pending(of: "md:ticker") == ["ghost.0.0": 15, "released": 5])
            try await scene.drain()
            #expect(try scene.count("market_data_ticker") == 21)
            await scene.stop()
        }
    }
}
