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
    /// Gaps between neighbouring rows that one merge looks at. It must keep up with the rows that batches make: where
    /// numbers cannot prove a floor (Redis 6, or after a restart of Redis), this alone keeps the ledger small.
    private static let gapLimit = 2_048

    let worker: WorkerContext
    let redis: RedisConnection
    let postgres: PostgresConnection
    /// The server that answers now.
    let replicationID: String?

    private var deadline: ContinuousClock.Instant { .now + PostgresSession.patience }

    func mergeAll() throws {
        let keys = worker.directory.all
        guard !keys.isEmpty else { return }
        for source in try LedgerStore(postgres).openSources(
            redisID: worker.settings.redisDeployment, redisDatabase: worker.settings.redis.database,
            group: worker.settings.group, deadline: deadline)
        {
            try merge(source)
        }
    }

    private func merge(_ source: OpenSource) throws {
        let group = worker.settings.group
        // The order of these reads is what makes the merge right: see FloorMerge.
        let before = try redis.epoch(group: group)
        guard let first = try facts(of: source.stream) else { return }
        let pending = try redis.pendingSummary(of: source.stream, group: group)
        guard let last = try facts(of: source.stream) else { return }
        let added = try redis.streamFacts(of: source.stream)?.entriesAdded
        let after = try redis.epoch(group: group)
        let store = LedgerStore(postgres)
        guard let rows = try store.beginMerge(of: source.number, deadline: deadline) else { return }
        do {
            let decision = FloorMerge.decide(
                .init(
                    tokenBefore: before, lastDelivered: first.lastDeliveredID, pending: pending.range,
                    counts: isSameServer(source) ? FloorMerge.Counts(last) : nil, tokenAfter: after,
                    rows: rows.map(FloorMerge.Row.init)),
                gapLimit: Self.gapLimit, position: Double.random(in: 0...1))
            guard try carryOut(decision, rows.map(FloorMerge.Row.init), source, token: before) else { return }
            if case .nothing = decision {} else { Waitpoint.duringMerge.reach() }
            try store.finishMerge(
                of: source.number, highest: rows.last?.ids.upper,
                entriesAdded: before == after ? added.map(Int64.init) : nil, deadline: deadline)
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

    /// - Returns: `false` when the ledger had changed meanwhile, and the merge was rolled back.
    private func carryOut(
        _ decision: FloorMerge.Decision, _ rows: [FloorMerge.Row], _ source: OpenSource, token: [UInt8]?
    ) throws -> Bool {
        let store = LedgerStore(postgres)
        switch decision {
        case .nothing:
            return true
        case .floor(let range, let count, let replacing):
            let row = LedgerRow(ids: range, count: Int64(count), isFloor: true)
            return try store.replace(replacing, with: row, of: source.number, deadline: deadline)
        case .inspect(let gaps):
            let group = worker.settings.group
            let empty = try redis.emptyRanges(gaps, of: source.stream, group: group)
            // What was emptied by a flush, and healed, is not what the rows lie in.
            guard try redis.epoch(group: group) == token else {
                try postgres.reset(deadline: deadline)
                return false
            }
            for merged in FloorMerge.merging(rows, emptyGaps: empty) {
                let row = LedgerRow(
                    ids: merged.row.ids, count: merged.row.count.map(Int64.init), isFloor: merged.row.isFloor)
                guard try store.replace(merged.replacing.count, with: row, of: source.number, deadline: deadline) else {
                    return false
                }
            }
            return true
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
