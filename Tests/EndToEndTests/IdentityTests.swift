import Foundation
import Glibc
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    /// The same id is not the same entry when its stream, group or database is another one.
    struct IdentityTests {
        // MARK: Groups

        @Test func aDestroyedGroupComesBackAsTheSameIncarnationAndReplaysNothing() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            let workers = try (1...2).map { try scene.worker("w\($0)", settings: ["lanes": "2"]) }
            for round in 1...4 {
                let before = try scene.count("market_data_ticker")
                try await eventually("rows come in round \(round)") {
                    try scene.count("market_data_ticker") > before + 1_000
                }
                for stream in ["md:ticker", "md:trades", "ticker-X-\(round % 3 + 1)"] {
                    try scene.command("XGROUP", "DESTROY", .text(stream), "millrace")
                }
            }
            feeder.stop()
            try await feeder.finish()
            for worker in workers {
                #expect(worker.isRunning, "\(worker.tail())")
                worker.send(SIGTERM)
                #expect(try await worker.wait().status == 0)
            }
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            #expect(try scene.count("ingest.source") == scene.streams().count, "one incarnation of each stream")
            #expect(workers.contains { $0.errorsSoFar.contains("group_restored") })
            await scene.stop()
        }

        @Test func aGroupDestroyedWhileNobodyRunsReplaysNothing() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 50_000, entries: 4_000)
            try await feeder.finish()
            try await scene.drain()
            for stream in try scene.streams() { try scene.command("XGROUP", "DESTROY", .text(stream), "millrace") }
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            #expect(try scene.count("ingest.source") == scene.streams().count)
            await scene.stop()
        }

        // MARK: Streams

        /// Ids begin anew, below those that are stored; `true` while a worker reads.
        @Test(arguments: [true, false]) func aStreamMadeAnewWithLowerIDsIsAnotherStream(isRunning: Bool) async throws {
            let scene = try await Scene()
            try addTickers(scene, 1...500, milliseconds: 1_000)
            var worker = isRunning ? try scene.worker() : nil
            if !isRunning { try await scene.drain() }
            try await eventually("the first 500 are stored and acknowledged") {
                try scene.count("market_data_ticker") == 500 && scene.pendingCount() == 0
            }
            try addTickers(scene, 501...1_000, milliseconds: 5, deletingFirst: true)
            if worker == nil { worker = try scene.worker() }
            try await eventually("all of the new stream is stored") { try scene.count("market_data_ticker") == 1_000 }
            try await expectIncarnations(scene, worker, rows: 1_000, incarnations: 2)
        }

        /// Half of the new entries have ids that were stored under the old stream.
        @Test(arguments: [true, false]) func idsUsedAgainForOtherEntriesAreStored(isRunning: Bool) async throws {
            let scene = try await Scene()
            try addTickers(scene, 1...500, milliseconds: 1_000)
            var worker = isRunning ? try scene.worker() : nil
            if !isRunning { try await scene.drain() }
            try await eventually("the first 500 are stored and acknowledged") {
                try scene.count("market_data_ticker") == 500 && scene.pendingCount() == 0
            }
            try addTickers(scene, 501...750, milliseconds: 1_000, deletingFirst: true)
            if worker == nil { worker = try scene.worker() }
            try await eventually("all of the new stream is stored") { try scene.count("market_data_ticker") == 750 }
            try await expectIncarnations(scene, worker, rows: 750, incarnations: 2)
        }

        /// Somebody deletes the stream and makes the group again by hand, in one step: no read ever finds it missing, and
        /// no token changes.
        @Test func idsUsedAgainUnderAGroupMadeByHandAreStored() async throws {
            let scene = try await Scene()
            let worker = try scene.worker(settings: ["lanes": "1"])
            try addTickers(scene, 1...500, milliseconds: 1_000)
            try await eventually("the first 500 are stored and acknowledged") {
                try scene.count("market_data_ticker") == 500 && scene.pendingCount() == 0
            }
            // A read that waits at the server would be told; let it end.
            worker.send(SIGSTOP)
            try await eventually("no read waits") { try scene.waitingReads() == 0 }
            try addTickers(scene, 501...750, milliseconds: 1_000, deletingFirst: true, makingGroup: true)
            worker.send(SIGCONT)
            try await eventually("all of the new stream is stored: \(worker.tail())") {
                try scene.count("market_data_ticker") == 750
            }
            try await expectIncarnations(scene, worker, rows: 750, incarnations: 2)
        }

        /// The same, and the table is locked: the new entries are put aside, and read back as pending ones.
        @Test func idsUsedAgainAreStoredThoughTheyHaveToWaitForTheirTable() async throws {
            let scene = try await Scene()
            let worker = try scene.worker(settings: ["lanes": "1"])
            try addTickers(scene, 1...500, milliseconds: 1_000)
            try await eventually("the first 500 are stored and acknowledged") {
                try scene.count("market_data_ticker") == 500 && scene.pendingCount() == 0
            }
            worker.send(SIGSTOP)
            try await eventually("no read waits") { try scene.waitingReads() == 0 }
            let locker = try PostgresConnection.connect(
                to: PostgresEndpoint(scene.databaseURL), applicationName: "locker")
            try locker.execute("BEGIN; LOCK TABLE market_data_ticker IN ACCESS EXCLUSIVE MODE", deadline: .soon)
            try addTickers(scene, 501...750, milliseconds: 1_000, deletingFirst: true, makingGroup: true)
            worker.send(SIGCONT)
            try await eventually("the table is held: \(worker.tail())") {
                worker.errorsSoFar.contains("a table takes no rows")
            }
            try locker.execute("ROLLBACK", deadline: .soon)
            try await eventually("all of the new stream is stored: \(worker.tail())") {
                try scene.count("market_data_ticker") == 750
            }
            try await expectIncarnations(scene, worker, rows: 750, incarnations: 2)
        }

        /// Producers may count in other units than milliseconds, or count anything. Of these the first is as far below
        /// zero as can be when its microseconds wrap. A column that is to hold the time of such an id makes a letter.
        @Test(arguments: ["9223372036854776", "1795392000000000000", "18446744073709551615"])
        func idsThatAreNoTimesAreStored(milliseconds: String) async throws {
            let scene = try await Scene()
            let worker = try scene.worker()
            for number in 1...3 {
                try scene.add(
                    "md:trades", id: "\(milliseconds)-\(number)",
                    [
                        "time": "1735689600", "exchange": "X", "symbol": "S", "trade_id": "\(number)", "price": "1",
                        "amount": "1", "side": "buy",
                    ])
                try scene.add(
                    "md:ticker", id: "\(milliseconds)-\(number)",
                    ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
                try await eventually("both entries \(number) are disposed of") {
                    try scene.count("market_data_trades") == number && scene.letterCount() == number
                        && scene.pendingCount() == 0
                }
            }
            let reason = "out_of_range: market_data_ticker.last_updated"
            #expect(try scene.count("ingest.dead_letter WHERE reason = '\(reason)'") == 3)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        /// Ids that go on above the stored ones cannot be mistaken for them, so the incarnation may stay; ids that
        /// begin anew below them must be of another one. Either way nothing may be taken for stored.
        @Test(arguments: [true, false]) func afterFLUSHALLEveryNewEntryIsStored(idsRise: Bool) async throws {
            let scene = try await Scene()
            let workers = try (1...2).map { try scene.worker("w\($0)", settings: ["lanes": "2"]) }
            for round in 0..<3 {
                let numbers = (round * 400 + 1)...(round * 400 + 400)
                try addTickers(scene, numbers, milliseconds: idsRise ? nil : 3_000 - round, flushingFirst: true)
                try await eventually("round \(round) is stored") {
                    try scene.count("market_data_ticker") == (round + 1) * 400 && scene.pendingCount() == 0
                }
            }
            for worker in workers {
                worker.send(SIGTERM)
                #expect(try await worker.wait().status == 0)
            }
            #expect(try scene.number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == 1_200)
            #expect(try scene.covered() == 1_200)
            try expectSources(scene, idsRise ? 1...3 : 3...3)
            if !idsRise { #expect(workers.contains { $0.errorsSoFar.contains("stream_replaced") }, "it is said") }
            await scene.stop()
        }

        private func addTickers(
            _ scene: Scene, _ numbers: ClosedRange<Int>, milliseconds: Int? = nil, deletingFirst: Bool = false,
            makingGroup: Bool = false, flushingFirst: Bool = false
        ) throws {
            let stream: RedisArgument = "md:ticker"
            var commands = CommandBuffer()
            commands.append("MULTI")
            if deletingFirst { commands.append("DEL", stream) }
            if makingGroup { commands.append("XGROUP", "CREATE", stream, .text(Scene.group), "0", "MKSTREAM") }
            if flushingFirst { commands.append("FLUSHALL") }
            for (index, number) in numbers.enumerated() {
                let id = milliseconds.map { "\($0)-\(index + 1)" } ?? "*"
                commands.append(
                    "XADD", stream, .text(id), "time", "1735689600", "exchange", "X", "symbol", "S", "bid_price",
                    .integer(number))
            }
            commands.append("EXEC")
            let replies = try scene.onRedis().pipeline(commands)
            try #require(replies.allSatisfy { $0.error == nil })
        }

        private func expectIncarnations(
            _ scene: Scene, _ worker: MillraceProcess?, rows: Int, incarnations: Int
        ) async throws {
            try await eventually("everything is acknowledged") { try scene.pendingCount() == 0 }
            worker?.send(SIGTERM)
            #expect(try await worker?.wait().status == 0)
            #expect(try scene.count("market_data_ticker") == rows)
            #expect(try scene.number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == rows)
            #expect(try scene.covered() == rows)
            try expectSources(scene, incarnations...incarnations)
            if incarnations > 1 { #expect(worker?.errorsSoFar.contains("stream_replaced") == true, "it is said") }
            await scene.stop()
        }

        private func expectSources(_ scene: Scene, _ counts: ClosedRange<Int>) throws {
            let all = try scene.count("ingest.source WHERE stream = 'md:ticker'")
            let open = try scene.count("ingest.source WHERE stream = 'md:ticker' AND closed_at IS NULL")
            #expect(counts.contains(all))
            #expect(open == 1)
        }

        // MARK: The database

        @Test func aDatabaseRestoredToAnOlderStateStopsEverything() async throws {
            let scene = try await Scene()
            try addTickers(scene, 1...300)
            try await scene.drain()
            let copy = try await scene.copyDatabase()
            try addTickers(scene, 301...600)
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(settings: ["http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            try await eventually("the newer entries are stored and acknowledged") {
                try scene.count("market_data_ticker") == 600 && scene.pendingCount() == 0
            }
            #expect(try await HTTPProbe.get("/readyz", port: port) { $0.status == 200 }?.status == 200)

            try await scene.restore(copy)
            try await expectStopped(scene) {
                let unready = try await HTTPProbe.get("/readyz", port: port) {
                    $0.status == 503 && $0.body.contains("went back")
                }
                #expect(unready?.status == 503 && unready?.body.contains("went back") == true)
                #expect(worker.errorsSoFar.contains("destination went back"))
                let metrics = await HTTPProbe.get("/metrics", port: port)
                #expect(metrics?.series("millrace_destination_went_back") == 1)
            }
            #expect(worker.isRunning)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)

            // A worker that starts now does not fall for it either.
            try await expectStopped(scene) {
                let drain = try await scene.millrace(["run", "--drain", "--timeout", "10s"], limit: .seconds(60))
                #expect(drain.status == 1, "\(drain.errors)")
                #expect(drain.errors.contains("destination went back"))
            }
            await scene.stop()
        }

        /// While `body` runs and for a while after it, nothing is stored or acknowledged. (A read that was under way
        /// may still be given entries: they stay pending.)
        private func expectStopped(_ scene: Scene, _ body: () async throws -> Void) async throws {
            let acknowledged = try acknowledgedCount(scene)
            let rows = try scene.count("market_data_ticker")
            let covered = try scene.covered()
            try addTickers(scene, 10_001...10_200)
            try await body()
            try await Task.sleep(for: .seconds(2))
            #expect(try acknowledgedCount(scene) == acknowledged)
            #expect(try scene.count("market_data_ticker") == rows)
            #expect(try scene.covered() == covered, "the ledger is not merged over the gap")
        }

        /// Entries that were delivered and are not pending any more.
        private func acknowledgedCount(_ scene: Scene) throws -> Int {
            let read = try scene.groupFact("entries-read", of: "md:ticker").flatMap { Int($0) }
            return try #require(read) - scene.pending(of: "md:ticker").values.reduce(0, +)
        }
    }
}
