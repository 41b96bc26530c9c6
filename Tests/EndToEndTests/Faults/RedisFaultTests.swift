import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// Redis refuses, forgets, fails over or is full.
    @Suite(.tags(.fault)) struct RedisFaultTests {
        /// A state of the server, made by commands and taken back by others.
        struct Refusal: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var begin: [[RedisArgument]]
            var end: [[RedisArgument]]
            /// What the worker must have been told; `nil` when nobody answered at all.
            var word: String?
        }

        static let refusals: [Refusal] = Proof.pick(
            all.filter { ["READONLY", "NOPERM"].contains($0.testDescription) }, proof: all)

        private static let all: [Refusal] = [
            Refusal(
                testDescription: "READONLY", begin: [["REPLICAOF", "127.0.0.1", "1"]],
                end: [["REPLICAOF", "NO", "ONE"]],
                word: "READONLY"),
            Refusal(
                testDescription: "NOREPLICAS", begin: [["CONFIG", "SET", "min-replicas-to-write", "1"]],
                end: [["CONFIG", "SET", "min-replicas-to-write", "0"]], word: "NOREPLICAS"),
            Refusal(
                testDescription: "NOPERM", begin: [["ACL", "SETUSER", "default", "-xreadgroup"]],
                end: [["ACL", "SETUSER", "default", "+xreadgroup"]], word: "NOPERM"),
            Refusal(
                testDescription: "MASTERDOWN",
                begin: [["CONFIG", "SET", "replica-serve-stale-data", "no"], ["REPLICAOF", "127.0.0.1", "1"]],
                end: [["REPLICAOF", "NO", "ONE"]], word: "MASTERDOWN"),
            Refusal(testDescription: "silence", begin: [["DEBUG", "SLEEP", "4"]], end: [], word: nil),
        ]

        @Test(arguments: refusals) func aRefusalIsWaitedOut(_ refusal: Refusal) async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.watched()
            try await scene.expectRows("it works")
            for command in refusal.begin { try scene.onRedis().command(command) }
            if let word = refusal.word {
                try await eventually("it is told: \(worker.process.tail())") { worker.log(has: word) }
            }
            try await Task.sleep(for: .seconds(1))
            #expect(worker.process.isRunning)
            for command in refusal.end { try scene.onRedis().command(command) }
            try await scene.expectRows("it goes on by itself: \(worker.process.tail())", within: .seconds(25))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        @Test func aScriptThatNeverEndsIsWaitedOut() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.watched()
            try await scene.expectRows("it works")
            try scene.command("CONFIG", "SET", "busy-reply-threshold", "100")
            let control = try scene.onRedis()
            let endless = Task { try await onThread { _ = try? scene.command("EVAL", "while true do end", "0") } }
            try await eventually("it is told: \(worker.process.tail())") { worker.log(has: "BUSY") }
            try control.command("SCRIPT", "KILL")
            try await endless.value
            try await scene.expectRows("it goes on: \(worker.process.tail())", within: .seconds(20))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        @Test func aPasswordThatChangesIsAskedForAgain() async throws {
            let scene = try await Scene()
            try scene.command("ACL", "SETUSER", "feed", "on", ">known", "~*", "&*", "+@all")
            let feeder = Feeder(scene, rate: 2_000)
            let port = HTTPProbe.freePort()
            let process = try scene.worker(
                settings: [
                    "redis.url": "redis://feed@127.0.0.1:\(scene.redis.port)", "lanes": "2", "http.enabled": "true",
                    "http.address": "127.0.0.1:\(port)",
                ], environment: ["MILLRACE_REDIS_PASSWORD": "known"])
            let worker = WatchedWorker(process: process, port: port)
            try await scene.expectRows("it works: \(process.tail())")
            try scene.command("ACL", "SETUSER", "feed", "resetpass", ">other")
            try scene.command("CLIENT", "KILL", "USER", "feed")
            try await eventually("it is told: \(process.tail())") { worker.log(has: "WRONGPASS") }
            try scene.command("ACL", "SETUSER", "feed", "resetpass", ">known")
            try await scene.expectRows("it goes on by itself: \(process.tail())", within: .seconds(25))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// While the disk is slow, Redis answers before it has written: what it then forgets in a kill nobody has.
        @Test func aKillWithAnAppendOnlyFileOfOnceASecondCostsOnlyWhatRedisForgot() async throws {
            let scene = try await Scene(redisOptions: RedisOptions(fsync: .everySecond))
            let feeder = Feeder(scene, rate: 3_000)
            let worker = try scene.watched()
            for _ in 1...Proof.pick(2, proof: 10) {
                try await scene.expectRows("it works: \(worker.process.tail())", within: .seconds(25))
                scene.redis.kill()
                try await scene.redis.restart()
            }
            #expect(worker.log(has: "the lane starts over"))
            try await scene.expectOnce(feeder, [worker], redisForgets: true)
            await scene.stop()
        }

        @Test func aServerThatForgotEverythingBeginsANewIncarnation() async throws {
            let scene = try await Scene(redisOptions: RedisOptions(appendOnly: false))
            let worker = try scene.watched()
            try scene.addTickers(1...500)
            try await scene.expectTickers(500)
            scene.redis.kill()
            try await scene.redis.restart()
            #expect(try scene.command("XLEN", "md:ticker").integer == 0)
            try scene.addTickers(501...900, milliseconds: 1_000)
            try await scene.expectTickers(900)
            #expect(worker.log(has: "stream_replaced"))
            #expect(try scene.count("ingest.source WHERE stream = 'md:ticker'") == 2)
            try await scene.stop([worker])
            await scene.stop()
        }

        /// The replica lacks the last entries and acknowledgements when it becomes the master.
        @Test func aLaggingReplicaThatIsPromotedDeliversAgainAndNothingIsStoredTwice() async throws {
            let scene = try await Scene()
            let other = try await TestServices.shared.privateRedis()
            let replica = try RedisConnection.connect(to: RedisEndpoint(url: other.url), name: "replica")
            let proxy = try CuttingProxy(to: scene.redis.port)
            try replica.command("REPLICAOF", "127.0.0.1", .integer(scene.redis.port))
            let worker = try scene.watched(settings: ["redis.url": scene.redisURL(through: proxy)])
            try scene.addTickers(1...200)
            try await scene.expectTickers(200)
            worker.process.send(SIGSTOP)
            try scene.addTickers(201...300)
            try await eventually("the replica follows") {
                try replica.command("XLEN", "md:ticker").integer == 300
            }
            // It hears nothing more: that 201 to 300 are delivered and acknowledged, and entries 301 to 500.
            try replica.command("REPLICAOF", "127.0.0.1", "1")
            worker.process.send(SIGCONT)
            try scene.addTickers(301...500)
            try await scene.expectTickers(500)
            try replica.command("REPLICAOF", "NO", "ONE")
            proxy.point(to: other.port)
            proxy.cutAll()
            await scene.redis.stop()
            // Ids of its own would otherwise be those of the entries that it lacks.
            try await eventually("its last id is moved forward: \(worker.process.tail())") {
                worker.log(has: "the stream went back behind what is stored")
            }
            #expect(await worker.metric("millrace_stream_regressed", "md:ticker") == 1)
            for number in 501...700 {
                try replica.command(
                    "XADD", "md:ticker", "*", "time", "1735689600", "exchange", "X", "symbol", "S", "bid_price",
                    .integer(number))
            }
            try await eventually("the new entries are stored: \(worker.process.tail())") {
                try scene.count("market_data_ticker") >= 700
            }
            try await eventually("acknowledged") {
                try replica.command("XPENDING", "md:ticker", "millrace").array?.first?.integer == 0
            }
            #expect(try scene.count("market_data_ticker") == 700)
            #expect(try scene.number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == 700)
            #expect(await worker.metric("millrace_rows_deduplicated_total", "ledger") > 0, "delivered again")
            try await scene.stop([worker])
            await other.stop()
        }

        /// Somebody deletes all entries and sets the last id back: new entries get ids that are stored already.
        @Test func idsSetBackByHandAreNoticed() async throws {
            let scene = try await Scene()
            let ids = try scene.addTickers(1...200, milliseconds: 5_000)
            let first = try scene.watched("first")
            try await scene.expectTickers(200)
            try await scene.stop([first])
            try scene.onRedis().command(["XDEL", "md:ticker"] + ids.map { RedisArgument.text($0) })
            try scene.command("XSETID", "md:ticker", "1-0")
            try scene.addTickers(201...300, milliseconds: 5_000)
            let second = try scene.watched("second")
            try await eventually("it is said: \(second.process.tail())") {
                second.log(has: "went back") || second.log(has: "the group of a stream was mended")
            }
            try await scene.expectTickers(300)
            try await scene.stop([second])
            await scene.stop()
        }

        /// Before the worker starts, and while it runs.
        @Test func aKeyThatIsNoStreamHoldsUpNobodyElse() async throws {
            let scene = try await Scene()
            try scene.command("SET", "md:ohlcv", "text")
            try scene.addTickers(1...10)
            let worker = try scene.watched()
            try await scene.expectTickers(10)
            try await eventually("it is told: \(worker.process.tail())") {
                worker.log(has: "the key is not a stream; it is left out") && worker.log(has: "md:ohlcv")
            }
            try scene.command("DEL", "md:trades")
            try scene.command("SET", "md:trades", "text")
            // A lane that lost its connections looks for its own pending entries, and after those of others.
            #expect(try scene.terminateSessions() > 0)
            try scene.addTickers(11...500)
            try await scene.expectTickers(500)
            try await scene.stop([worker])
            await scene.stop()
        }

        /// With the consumer its pending entries are gone; nobody is ever given them again but by `reconcile`.
        @Test func aConsumerRemovedByHandIsMadeGoodByReconcile() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 20_000, entries: 4_000)
            try await feeder.finish()
            let doomed = try scene.doomed("doomed", "after-read:kill")
            try await doomed.process.wait()
            let left = try scene.pendingOfFrozen("doomed")
            #expect(left > 0)
            for stream in try scene.streams() {
                for consumer in try scene.pending(of: stream).keys {
                    try scene.command("XGROUP", "DELCONSUMER", .text(stream), "millrace", .text(consumer))
                }
            }
            let worker = try scene.watched()
            try await eventually(within: .seconds(60), "people are told: \(worker.process.tail())") {
                try scene.covered() == 4_000 - left && worker.log(has: "entries are missing")
            }
            try await scene.stop([worker])
            let refill = try await scene.millrace(["reconcile", "--json"])
            #expect(refill.status == 0, "\(refill.errors)")
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        @Test func entriesDeletedWhilePendingAreLettersAndHoldNothingUp() async throws {
            let scene = try await Scene()
            let ids = try scene.addTickers(1...60)
            let doomed = try scene.doomed("doomed", "after-read:kill")
            try await doomed.process.wait()
            #expect(try scene.pendingCount() == 60)
            try scene.onRedis().command(["XDEL", "md:ticker"] + ids.prefix(20).map { RedisArgument.text($0) })
            let worker = try scene.watched()
            try await eventually("the rest is stored: \(worker.process.tail())") {
                try scene.count("market_data_ticker") == 40 && scene.pendingCount() == 0
            }
            let deleted = "ingest.dead_letter WHERE cause = 'deleted'"
            #expect(try scene.letterCount() == 20 && scene.count(deleted) == 20)
            #expect(try scene.covered() == 60)
            try await scene.stop([worker])
            await scene.stop()
        }

        /// Nothing can bring back what Redis trimmed before it was read; what is left is stored once.
        @Test func whatATrimmingProducerLeavesIsStoredOnce() async throws {
            let scene = try await Scene()
            let worker = try scene.watched()
            try scene.addTickers(1...100)
            try await scene.expectTickers(100)
            worker.process.send(SIGSTOP)
            try scene.addTickers(101...1_000)
            try scene.command("XTRIM", "md:ticker", "MAXLEN", "150")
            worker.process.send(SIGCONT)
            try await eventually("the rest is stored") {
                try scene.number("SELECT count(*) FROM market_data_ticker WHERE bid_price > 850") == 150
            }
            try scene.addTickers(1_001...1_050)
            try await eventually("it goes on") { try scene.pendingCount() == 0 && scene.isAllDelivered() }
            let unread = try 1_050 - scene.count("market_data_ticker")
            let series = "millrace_stream_unread_trimmed_total"
            _ = try await HTTPProbe.get("/metrics", port: worker.port) { $0.series(series) == Double(unread) }
            #expect(await worker.metric(series) == unread)
            #expect(worker.log(has: "entries went from a stream before they were read"))
            #expect(try await scene.millrace(["stats", "--json"]).output.contains(#""trimmed_unread":\#(unread),"#))
            try await scene.stop([worker])
            #expect(
                try scene.number("SELECT count(*) - count(DISTINCT bid_price) FROM market_data_ticker") == 0)
            #expect(try scene.covered() == scene.count("market_data_ticker"))
            await scene.stop()
        }

        private static let readForTheDead = """
            local r = redis.call('XREADGROUP', 'GROUP', 'millrace', 'gone', 'COUNT', 2000, 'STREAMS', KEYS[1], '>')
            return r and 1 or 0
            """

        private struct SlowCommand: CustomStringConvertible {
            var milliseconds: Double
            var words: [String]
            var description: String { "\(milliseconds) ms \(words.joined(separator: " "))" }
        }

        /// What the slow log holds, the longest first.
        private func slowCommands(_ scene: Scene) throws -> [SlowCommand] {
            try (scene.command("SLOWLOG", "GET", "-1").array ?? []).map { entry in
                let fields = try #require(entry.array)
                return SlowCommand(
                    milliseconds: Double(try #require(fields[2].integer)) / 1_000,
                    words: (fields[3].array ?? []).prefix(8).compactMap(\.text))
            }.sorted { $0.milliseconds > $1.milliseconds }
        }

        @Test func aLongListOfPendingEntriesOfTheDeadIsDrainedInBoundedMemory() async throws {
            let scene = try await Scene()
            let entries = Proof.pick(30_000, proof: 1_000_000)
            try scene.addTickers(1...10)
            try await scene.drain()
            let feeder = Feeder(scene, rate: 10_000_000, entries: entries)
            try await feeder.finish()
            for stream in try scene.streams() where stream != "md:ticker" {
                // The configuration names some streams; their groups are there.
                _ = try? scene.command("XGROUP", "CREATE", .text(stream), "millrace", "0")
            }
            for stream in try scene.streams() {
                while try scene.command(
                    "EVAL",
                    .text(Self.readForTheDead), 1, .text(stream)
                ).integer == 1 {}
            }
            #expect(try scene.pendingCount() >= entries - 10)
            scene.letRedisGoFirst()
            try scene.command("CONFIG", "SET", "slowlog-log-slower-than", "4000", "slowlog-max-len", "10000")
            try scene.command("SLOWLOG", "RESET")
            let worker = try scene.watched(settings: ["claim.after": "1s"])
            try await eventually(within: .seconds(Proof.pick(60, proof: 600)), "drained: \(worker.process.tail())") {
                try scene.pendingCount() == 0
            }
            #expect(highWaterMark(of: worker.process.pid) < 150)
            let slow = try slowCommands(scene)
            print(
                "pending entries of a dead consumer: \(entries), \(highWaterMark(of: worker.process.pid)) MB, "
                    + "\(slow.count) commands over 4 ms, the longest: \(slow.prefix(3))")
            if Proof.isOn { #expect(slow.filter { $0.milliseconds > 20 }.isEmpty) }
            try await scene.stop([worker])
            #expect(try scene.covered() == entries + 10)
            #expect(try scene.letterCount() == 0)
            await scene.stop()
        }

        @Test(.enabled(if: Proof.isOn)) func anEntryOfAHundredMegabytesIsALetterByReference() async throws {
            let scene = try await Scene()
            let ids = try scene.addTickers(1...5)
            #expect(ids.count == 5)
            try scene.command(
                "EVAL", "redis.call('XADD', 'md:ticker', '*', 'x', string.rep('y', 100000000)) return 1", "0")
            try scene.addTickers(6...10)
            let worker = try scene.watched()
            try await eventually("stored") { try scene.count("market_data_ticker") == 10 && scene.letterCount() == 1 }
            #expect(try scene.count("ingest.dead_letter WHERE cause = 'too_large' AND by_reference") == 1)
            #expect(highWaterMark(of: worker.process.pid) < 150)
            try await scene.stop([worker])
            await scene.stop()
        }
    }
}
