import Foundation
import IngestTesting
import LocalServices
import Records
import RedisWire
import Testing

extension EndToEnd {
    /// Workers die, freeze and dawdle at chosen places of a batch's way.
    @Suite(.tags(.fault)) struct CrashTests {
        /// In the order of a batch's way. All at once: what they leave behind is claimed after the same silence.
        private static let places = [
            "after-read", "mid-copy", "after-copy", "commit-sent", "after-commit", "before-ack",
        ]

        @Test func workersKilledAtEveryPlaceLoseNothingAndStoreNothingTwice() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            // None takes over what another left: that is for the survivor.
            let doomed = try Self.places.map { try scene.doomed($0, "\($0):kill@2", settings: ["claim.every": "1h"]) }
            for (place, worker) in zip(Self.places, doomed) {
                let end = try await worker.process.wait()
                #expect(end.status == SIGKILL, "\(place)")
                #expect(end.errors.contains("waitpoint \(place): kill"), "\(place)")
            }
            let left = try scene.pendingCount()
            #expect(left > 0, "a kill that leaves nothing behind proves little")
            let survivor = try scene.watched("survivor")
            let claimed = try await HTTPProbe.get("/metrics", port: survivor.port, within: .seconds(60)) {
                $0.series("millrace_entries_claimed_total") ?? 0 > 0
            }
            #expect(claimed?.series("millrace_entries_claimed_total") ?? 0 > 0, "\(survivor.process.tail())")
            feeder.stop()
            try await feeder.finish()
            try await eventually(within: .seconds(60), "nothing stays pending") { try scene.pendingCount() == 0 }
            #expect(
                await survivor.metric("millrace_rows_deduplicated_total", "ledger") > 0,
                "what was committed and not acknowledged is skipped")
            try await scene.expectOnce(feeder, [survivor])
            await scene.stop()
        }

        /// The table refuses some rows, so batches go piece by piece: there is a moment between rows and fence.
        @Test func aWorkerKilledBetweenRowsAndFenceHasStoredNothing() async throws {
            let scene = try await Scene()
            let bad = Set([3, 500, 999])
            try scene.add((0..<1_000).map { RawEntry.book($0, kind: bad.contains($0) ? "x" : "delta") })
            let doomed = try scene.doomed("doomed", "before-fence:kill")
            let end = try await doomed.process.wait()
            #expect(end.errors.contains("waitpoint before-fence: kill"))
            #expect(try scene.count("market_data_orderbook") == 0)
            #expect(try scene.letterCount() == 0 && scene.covered() == 0)
            try await scene.drain()
            #expect(try scene.count("market_data_orderbook") == 1_000 - bad.count)
            #expect(try scene.letterCount() == bad.count)
            #expect(try scene.covered() == 1_000)
            await scene.stop()
        }

        /// Before the copy is made, and between the copy and its mark.
        @Test func lettersAreMirroredThoughTheMirrorIsKilled() async throws {
            let scene = try await Scene()
            let entries = (0..<40).map { RawEntry.trade("t\($0)", price: $0 % 2 == 0 ? "1" : "x") }
            try scene.add(entries)
            let before = try scene.doomed("before", "before-mirror:kill")
            #expect(try await before.process.wait().errors.contains("waitpoint before-mirror"))
            #expect(try scene.letterCount() == 20)
            #expect(try scene.count("ingest.dead_letter WHERE mirrored") == 0)
            #expect(try Self.mirrored(scene).count == 0)
            let between = try scene.doomed("between", "after-mirror:kill")
            #expect(try await between.process.wait().errors.contains("waitpoint after-mirror"))
            let copied = try Self.mirrored(scene)
            #expect(copied.count == 20 && Set(copied).count == 20)
            #expect(try scene.count("ingest.dead_letter WHERE mirrored") == 0)
            let last = try scene.watched("last")
            try await eventually("all are marked") { try scene.count("ingest.dead_letter WHERE NOT mirrored") == 0 }
            try await scene.stop([last])
            let twice = try Self.mirrored(scene)
            #expect(twice.count == 40, "the mirror repeats")
            #expect(Set(twice) == Set(copied), "with the same source and id")
            #expect(try scene.letterCount() == 20 && scene.count("market_data_trades") == 20)
            await scene.stop()
        }

        private static func mirrored(_ scene: Scene) throws -> [String] {
            let entries = try scene.command("XRANGE", "millrace:{millrace}:dead", "-", "+").array ?? []
            return entries.map { entry in
                let words = (entry.array?.last?.array ?? []).prefix(6).map { $0.text ?? "" }
                return words.joined(separator: " ")
            }
        }

        @Test func aKilledMergeLeavesTheLedgerAsItWas() async throws {
            let scene = try await Scene()
            try scene.addTickers(1...1_000, milliseconds: 5_000)
            try await scene.drain()
            // As many small batches leave it.
            try scene.execute(
                """
                DELETE FROM ingest.ledger;
                INSERT INTO ingest.ledger (source_no, ids, kind, n)
                SELECT source_no, ingest.sidrange(id, id, '[]'), 'B', 1
                  FROM ingest.source, generate_series(1, 1000) AS number,
                       LATERAL (SELECT (lpad(to_hex(5000), 16, '0') || lpad(to_hex(number), 16, '0'))::uuid AS id) AS one
                 WHERE stream = 'md:ticker'
                """)
            let doomed = try scene.doomed("doomed", "during-merge:kill")
            let end = try await doomed.process.wait()
            #expect(end.errors.contains("waitpoint during-merge: kill"))
            #expect(try scene.count("ingest.ledger") == 1_000 && scene.covered() == 1_000)
            let last = try scene.watched("last")
            try await eventually("merged") { try scene.count("ingest.ledger") < 10 }
            try await scene.expectTickers(1_000)
            try await scene.stop([last])
            await scene.stop()
        }

        /// Seconds of standing still in the middle of a COPY: long enough to be claimed from, or to be ended as hung.
        @Test(arguments: Proof.pick([7], proof: [7, 20]))
        func aWorkerThatStandsStillInsideACopyLosesTheRaceAndNothingElse(seconds: Int) async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let frozen = try scene.doomed("frozen", "mid-copy:stop@3")
            try await eventually("it stands still") { frozen.log(has: "waitpoint mid-copy: stop") }
            let taken = try scene.entriesPending(of: "frozen")
            #expect(!taken.isEmpty)
            let others = try ["a", "b"].map { try scene.watched($0) }
            try await Task.sleep(for: .seconds(seconds))
            try await eventually("others have stored its entries") { try scene.areStored(taken) }
            frozen.process.send(SIGCONT)
            try await scene.expectRows("all go on")
            if seconds > 14 {
                #expect(others.contains { $0.log(has: "ended sessions that did not go on") })
                try await eventually("it starts over") { frozen.log(has: "the lane starts over") }
            } else {
                // Its transaction meets the ledger, or a row that is there, and then the ledger; or it was ended as
                // hung, when the others had to wait for it.
                var hasLost = false
                let end = ContinuousClock.now + .seconds(60)
                repeat {
                    let conflicts = await frozen.metric("millrace_fence_conflicts_total")
                    let stored = await frozen.metric("millrace_rows_deduplicated_total", "ledger")
                    hasLost = conflicts + stored > 0 || frozen.log(has: "the lane starts over")
                    if !hasLost { try await Task.sleep(for: .milliseconds(50)) }
                } while !hasLost && .now < end
                #expect(hasLost)
            }
            try await scene.expectOnce(feeder, others + [frozen])
            await scene.stop()
        }

        @Test(.enabled(if: Proof.isOn)) func aWorkerThatStandsStillBeforeTheFenceIsEndedByTheServer() async throws {
            let scene = try await Scene()
            try scene.add((0..<1_000).map { RawEntry.book($0, kind: $0 == 500 ? "x" : "delta") })
            let frozen = try scene.doomed("frozen", "before-fence:stop")
            try await eventually("it stands still") { frozen.log(has: "waitpoint before-fence: stop") }
            let other = try scene.watched("other")
            try await Task.sleep(for: .seconds(13))
            frozen.process.send(SIGCONT)
            try await eventually("stored") { try scene.covered() == 1_000 && scene.pendingCount() == 0 }
            try await eventually("the server ended its session") {
                frozen.log(has: "25P03") || frozen.log(has: "57P01") || frozen.log(has: "the lane starts over")
            }
            try await scene.stop([other, frozen])
            #expect(try scene.count("market_data_orderbook") == 999 && scene.letterCount() == 1)
            await scene.stop()
        }

        @Test func workersOfOneNameKilledTogetherAreFollowedByAnotherNumber() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            let first = try scene.watched("same")
            try await scene.expectRows("the first works")
            var second = try scene.watched("same")
            for attempt in 1...5 {
                try await eventually("the second works") { second.log(has: "carrying entries") }
                if second.log(has: "another worker of this name") { break }
                // The first stood still for so long that its name was free.
                try #require(attempt < 5, "\(second.process.tail())")
                try await scene.stop([second])
                second = try scene.watched("same")
            }
            let third = try scene.watched("third")
            try await scene.expectRows("all work", more: 1_000)
            let all = [first, second, third]
            try await eventually("they stand still with entries pending") {
                for worker in all { worker.process.send(SIGSTOP) }
                if try scene.pendingCount() > 0 { return true }
                for worker in all { worker.process.send(SIGCONT) }
                return false
            }
            for worker in all { worker.process.send(SIGKILL) }
            for worker in all { try await worker.process.wait() }
            #expect(try scene.pendingCount() > 0, "a kill that leaves nothing behind proves little")
            let alone = try scene.watched("alone")
            try await scene.expectRows("one goes on alone")
            try await scene.expectOnce(feeder, [alone])
            await scene.stop()
        }

        enum Moment: CaseIterable { case twice, whileConnecting, whileRedisHangs }

        @Test(arguments: Proof.pick([.whileRedisHangs], proof: Moment.allCases)) func sigtermEndsAWorkerWithinItsLimit(
            _ moment: Moment
        ) async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 3_000)
            let proxy = try CuttingProxy(to: scene.redis.port)
            if moment == .whileConnecting { proxy.stall() }
            let worker = try scene.watched(
                settings: ["redis.url": scene.redisURL(through: proxy), "shutdown.grace": "3s", "startup.wait": "60s"])
            if moment == .whileConnecting {
                try await eventually("it connects") { proxy.tally.connections > 0 }
            } else {
                try await scene.expectRows("it works")
            }
            if moment == .whileRedisHangs { proxy.stall() }
            let asked = ContinuousClock.now
            worker.process.send(SIGTERM)
            if moment == .twice { worker.process.send(SIGTERM) }
            let end = try await worker.process.wait()
            let most = Proof.pick(Duration.seconds(60), proof: .seconds(12))
            #expect(ContinuousClock.now - asked < most, "\(end.errors.suffix(500))")
            #expect(!end.errors.contains("Fatal error"))
            let next = try scene.watched("next")
            try await scene.expectRows("another goes on")
            try await scene.expectOnce(feeder, [next])
            proxy.stop()
            await scene.stop()
        }

        /// Neither file descriptors nor consumers' entries are left behind, however often workers come and go.
        @Test(.enabled(if: Proof.isOn)) func twoHundredStartsAndStopsUnderLoadLoseNothing() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 500)
            for cycle in 1...200 {
                let worker = try scene.watched(settings: cycle % 2 == 0 ? ["lanes": "1"] : [:])
                let before = try scene.covered()
                try await eventually("cycle \(cycle)") { try scene.covered() > before }
                worker.process.send(SIGTERM)
                #expect(try await worker.process.wait().status == 0, "cycle \(cycle)")
            }
            let last = try scene.watched("last")
            try await scene.expectOnce(feeder, [last])
            await scene.stop()
        }
    }
}

extension Scene {
    /// Pending entries of a worker, or of everybody; the first so many of each stream.
    func entriesPending(of worker: String? = nil, limit: Int = 1_000) throws -> [(stream: String, id: StreamID)] {
        var taken: [(stream: String, id: StreamID)] = []
        for stream in try streams() {
            let reply = try command("XPENDING", .text(stream), .text(Self.group), "-", "+", .integer(limit))
            for pending in reply.array ?? [] {
                guard let facts = pending.array, let consumer = facts[1].text,
                    worker.map({ consumer.hasPrefix("\($0).") }) ?? true,
                    let id = facts[0].text.flatMap({ StreamID($0) })
                else { continue }
                taken.append((stream, id))
            }
        }
        return taken
    }

    fileprivate func areStored(_ entries: [(stream: String, id: StreamID)]) throws -> Bool {
        let found = try rows(
            """
            SELECT FROM unnest($1::text[], $2::uuid[]) AS e(name, id)
              JOIN ingest.source ON stream = convert_to(name, 'UTF8') JOIN ingest.ledger USING (source_no)
             WHERE ids @> e.id
            """,
            [
                "{\(entries.map(\.stream).joined(separator: ","))}",
                "{\(entries.map(\.id.uuidHex).joined(separator: ","))}",
            ])
        return found.count == entries.count
    }

    /// With whomever: none of them is acknowledged.
    func areStillPending(_ entries: [(stream: String, id: StreamID)]) throws -> Bool {
        let now = Dictionary(grouping: try entriesPending(limit: 1_000_000), by: \.stream)
            .mapValues { Set($0.map(\.id)) }
        return entries.allSatisfy { now[$0.stream]?.contains($0.id) == true }
    }

    /// Pending entries of a worker's consumers.
    func pendingOfFrozen(_ worker: String) throws -> Int {
        try pendingByConsumer().filter { $0.key.hasPrefix("\(worker).") }.values.reduce(0, +)
    }
}
