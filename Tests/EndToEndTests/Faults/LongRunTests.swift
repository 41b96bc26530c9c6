import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    /// Faults of every kind, hundreds, under load, with garbage in between: what is lost, what is twice, how soon it
    /// goes on.
    @Suite(.tags(.fault)) struct LongRunTests {
        /// `MILLRACE_LONG_RUN=<entries>,<faults>`; without it only `make prove` runs it.
        private static let given = ProcessInfo.processInfo.environment["MILLRACE_LONG_RUN"].map { text in
            text.split(separator: ",").compactMap { Int($0) }
        }
        private static let entries = given?.first ?? 2_000_000
        private static let faults = given?.last ?? 500
        private static let isAsked = Proof.isOn || given != nil

        @Test(.enabled(if: isAsked)) func manyFaultsOfEveryKindLoseNothing() async throws {
            let scene = try await Scene(ownPostgres: true)
            // Entries come as long as faults do, at a rate that makes it the asked number as nearly as can be known.
            let feeder = Feeder(scene, rate: max(500, Self.entries / (Self.faults * 4)))
            var field = try FaultField(scene, workers: 3)
            try await scene.expectRows("workers work")
            var recovery = RecoveryTimes()
            let kinds = Self.order()
            let began = ContinuousClock.now
            var letters = 0
            for (number, kind) in kinds.enumerated() {
                if number % 5 == 0 { letters += try await addGarbage(scene) }
                try await field.inject(kind)
                let probe = try await RecoveryProbe(scene)
                recovery.add(kind, try await probe.measure())
            }
            while feeder.progress.confirmed < Self.entries { try await Task.sleep(for: .milliseconds(100)) }
            feeder.stop()
            try await feeder.finish()
            try await eventually(within: .seconds(120), "nothing stays pending") {
                try scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            try await field.stop()
            print(
                "long run: \(kinds.count) faults, \(feeder.progress.confirmed) entries, \(ContinuousClock.now - began)")
            print(recovery.table)
            let rows = try scene.count("ingest.ledger")
            print("long run: \(rows) rows of the ledger, \(try scene.count("ingest.batch")) batches")
            #expect(rows < 20_000, "merging keeps up")
            try await expectLetters(scene, letters)
            try await feeder.expectEverythingStoredOnce()
            #expect(Set(kinds).count >= min(12, kinds.count))
            #expect(recovery.medianToCommit < 2, "seconds")
            #expect(recovery.worstToCommit < 15, "seconds")
            #expect(recovery.worstToLast < 30, "seconds")
            await scene.stop()
            await scene.postgres.stop()
        }

        /// Every kind as often as any other, in a random order.
        private static func order() -> [FaultKind] {
            let kinds = FaultKind.allCases.shuffled()
            return (0..<faults).map { kinds[$0 % kinds.count] }.shuffled()
        }

        /// Ten broken entries, on a stream of their own: the feeder's oracle knows nothing of them. A good one is among
        /// them: a table that takes nothing at all would be held.
        private func addGarbage(_ scene: Scene) async throws -> Int {
            let books = (0..<10).map { _ in RawEntry.book(1, kind: Self.broken) } + [RawEntry.book(1)]
            for attempt in 0..<50 {
                // Redis answers a full pipeline or is away; what is away comes back.
                if (try? scene.add(books))?.count == books.count { return 10 }
                try await Task.sleep(for: .milliseconds(100 + attempt))
            }
            Issue.record("no garbage")
            return 0
        }

        private static let broken = "nothing"

        /// Every broken entry that the stream holds is one letter, every other one a row; then they are taken away, so that
        /// the feeder's oracle counts its own alone.
        private func expectLetters(_ scene: Scene, _ confirmed: Int) async throws {
            let entries = try scene.command("XRANGE", "md:orderbook", "-", "+").array ?? []
            let held = entries.count { entry in
                entry.array?.last?.array?.contains { $0.text == Self.broken } ?? false
            }
            #expect(held >= confirmed)
            #expect(try scene.letterCount() == held, "every dead letter once")
            #expect(try scene.count("market_data_orderbook") == entries.count - held)
            try scene.command("DEL", "md:orderbook")
            try scene.execute(
                """
                DELETE FROM ingest.ledger l USING ingest.source s
                 WHERE s.source_no = l.source_no AND s.stream = 'md:orderbook'; DELETE FROM ingest.dead_letter
                """)
            print("long run: \(held) dead letters, each once")
        }
    }
}

/// From the end of a fault: how long until something is committed, and until nothing that was in flight is pending.
struct RecoveryProbe {
    private let scene: Scene
    /// The servers answer: the fault is over.
    private let began: ContinuousClock.Instant
    /// The server's clock.
    private let since: String
    /// Per stream the highest id that was delivered by then.
    private let delivered: [String: String]

    init(_ scene: Scene) async throws {
        self.scene = scene
        var since = ""
        var delivered: [String: String] = [:]
        try await eventually("the servers answer") {
            since = try scene.rows("SELECT now()::text AS t")[0].requiredText("t")
            for stream in try scene.streams() {
                delivered[stream] = try scene.groupFact("last-delivered-id", of: stream)
            }
            return true
        }
        (self.since, self.delivered, began) = (since, delivered, .now)
    }

    /// Seconds to the first commit and to the last entry that was in flight.
    func measure() async throws -> (commit: Double, last: Double) {
        var commit: Double?
        let end = began + .seconds(60)
        while .now < end {
            if commit == nil, (try? hasCommitted()) == true { commit = seconds }
            if let commit, (try? isAllSettled()) == true { return (commit, seconds) }
            try await Task.sleep(for: .milliseconds(20))
        }
        return (commit ?? seconds, seconds)
    }

    private var seconds: Double { (ContinuousClock.now - began) / .seconds(1) }

    private func hasCommitted() throws -> Bool {
        try scene.rows("SELECT FROM ingest.batch WHERE committed_at > $1::timestamptz LIMIT 1", [since]).count > 0
    }

    /// No id up to the highest that was delivered then is pending. A group that was made anew has none pending at first,
    /// so what was delivered must be delivered again.
    private func isAllSettled() throws -> Bool {
        let redis = try scene.onRedis()
        for (stream, highest) in delivered where highest != "0-0" {
            let pending = try redis.command("XPENDING", .text(stream), .text(Scene.group), "-", .text(highest), "1")
            guard pending.array?.isEmpty == true else { return false }
            guard let now = try scene.groupFact("last-delivered-id", of: stream) else { return false }
            guard Self.parts(now) >= Self.parts(highest) else { return false }
        }
        return true
    }

    private static func parts(_ id: String) -> (UInt64, UInt64) {
        let parts = id.split(separator: "-").map { UInt64($0) ?? 0 }
        return parts.count == 2 ? (parts[0], parts[1]) : (0, 0)
    }
}

/// Times of a long run, by kind of fault.
struct RecoveryTimes {
    private var times: [FaultKind: [(commit: Double, last: Double)]] = [:]

    mutating func add(_ kind: FaultKind, _ time: (commit: Double, last: Double)) {
        times[kind, default: []].append(time)
    }

    /// The largest of the kinds' medians.
    var medianToCommit: Double { times.values.map { Self.median($0.map(\.commit)) }.max() ?? 0 }
    var worstToCommit: Double { times.values.joined().map(\.commit).max() ?? 0 }
    var worstToLast: Double { times.values.joined().map(\.last).max() ?? 0 }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }

    /// Seconds.
    var table: String {
        func figure(_ value: Double) -> String { String(format: "%.2f", value) }
        let head =
            "| fault | times | first commit, median | worst | last in flight, median | worst |\n|---|---|---|---|---|---|"
        let lines = times.sorted { $0.key.rawValue < $1.key.rawValue }.map { kind, times in
            let (commits, lasts) = (times.map(\.commit), times.map(\.last))
            return
                "| \(kind.rawValue) | \(times.count) | \(figure(Self.median(commits))) | \(figure(commits.max() ?? 0))"
                + " | \(figure(Self.median(lasts))) | \(figure(lasts.max() ?? 0)) |"
        }
        return ([head] + lines).joined(separator: "\n")
    }
}
