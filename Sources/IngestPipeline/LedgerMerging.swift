import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire
import Waitpoints

/// Replaces many ledger rows of a source by few (``FloorMerge``), and notes how far each stream is.
struct LedgerMerging {
    /// Gaps between neighbouring rows that one merge looks at. Where numbers cannot prove a floor (Redis 6, or after a
    /// restart of Redis), this alone keeps the ledger small.
    private static let gapLimit = 2_048

    let worker: WorkerContext
    let redis: RedisConnection
    let postgres: PostgresConnection
    /// The server that answers now.
    let replicationID: String?

    private var deadline: ContinuousClock.Instant { .now + PostgresSession.patience }

    /// Sources of this worker's streams that are worth a merge.
    func due() throws(PostgresError) -> [OpenSource] {
        let own = Set(worker.consumers.flatMap { worker.directory.streams(of: $0) })
        guard !own.isEmpty else { return [] }
        return try LedgerStore(postgres).openSources(
            redisID: worker.settings.redisDeployment, redisDatabase: worker.settings.redis.database,
            group: worker.settings.group, deadline: deadline
        ).filter { own.contains($0.stream) }
    }

    /// - Returns: whether another merge is worth while at once: there was more to look at, and it helped.
    func merge(_ source: OpenSource) throws -> Bool {
        let group = worker.settings.group
        // The order of these reads is what makes the merge right: see FloorMerge.
        let before = try redis.epoch(group: group)
        guard let first = try facts(of: source.stream) else { return false }
        let pending = try redis.pendingSummary(of: source.stream, group: group)
        guard let last = try facts(of: source.stream) else { return false }
        let added = try redis.streamFacts(of: source.stream)?.entriesAdded
        let after = try redis.epoch(group: group)
        let store = LedgerStore(postgres)
        guard let rows = try store.beginMerge(of: source.number, deadline: deadline) else { return false }
        do {
            let decision = FloorMerge.decide(
                .init(
                    tokenBefore: before, lastDelivered: first.lastDeliveredID, pending: pending.range,
                    counts: isSameServer(source) ? FloorMerge.Counts(last) : nil, tokenAfter: after,
                    rows: rows.map(FloorMerge.Row.init)),
                gapLimit: Self.gapLimit, position: Double.random(in: 0...1))
            let merged = try carryOut(decision, rows.map(FloorMerge.Row.init), source, token: before)
            guard let merged else { return false }
            if case .nothing = decision {} else { Waitpoint.duringMerge.reach() }
            try store.finishMerge(
                of: source.number, highest: rows.last?.ids.upper,
                entriesAdded: before == after ? added.map(Int64.init) : nil, deadline: deadline)
            return merged > Self.gapLimit / 2 && rows.count - merged > Self.gapLimit
        } catch {
            try? postgres.reset(deadline: deadline)
            throw error
        }
    }

    private func facts(of stream: StreamKey) throws(RedisError) -> GroupFacts? {
        try redis.groups(of: stream).first { $0.name == worker.settings.group }
    }

    /// After a failover the counters may stand for entries that are lost.
    private func isSameServer(_ source: OpenSource) -> Bool {
        source.replicationID != nil && source.replicationID == replicationID
    }

    /// - Returns: rows that others took the place of; `nil` when the ledger had changed meanwhile, and the merge was
    ///   rolled back.
    private func carryOut(
        _ decision: FloorMerge.Decision, _ rows: [FloorMerge.Row], _ source: OpenSource, token: [UInt8]?
    ) throws -> Int? {
        let store = LedgerStore(postgres)
        switch decision {
        case .nothing:
            return 0
        case .floor(let range, let count, let replacing):
            let row = LedgerRow(ids: range, count: Int64(count), isFloor: true)
            return try store.replace(replacing, with: row, of: source.number, deadline: deadline) ? replacing : nil
        case .inspect(let gaps):
            let group = worker.settings.group
            let empty = try redis.emptyRanges(gaps, of: source.stream, group: group)
            // What was emptied by a flush, and healed, is not what the rows lie in.
            guard try redis.epoch(group: group) == token else {
                try postgres.reset(deadline: deadline)
                return nil
            }
            var replaced = 0
            for merged in FloorMerge.merging(rows, emptyGaps: empty) {
                let row = LedgerRow(
                    ids: merged.row.ids, count: merged.row.count.map(Int64.init), isFloor: merged.row.isFloor)
                guard try store.replace(merged.replacing.count, with: row, of: source.number, deadline: deadline) else {
                    return nil
                }
                replaced += merged.replacing.count
            }
            return replaced
        }
    }
}

extension FloorMerge.Row {
    init(_ row: LedgerRow) {
        self.init(ids: row.ids, count: row.count.map { Int($0) }, isFloor: row.isFloor)
    }
}

extension FloorMerge.Counts {
    /// `nil` when the server does not know how many entries the group has read.
    init?(_ facts: GroupFacts) {
        guard let read = facts.entriesRead else { return nil }
        self.init(entriesRead: read, pending: facts.pending, lastDelivered: facts.lastDeliveredID)
    }
}

extension PendingSummary {
    var range: IDRange? {
        guard let lowest, let highest, lowest <= highest else { return nil }
        return IDRange(lowest, highest)
    }
}
