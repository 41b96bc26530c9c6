import CoreMetrics
import IngestCore
import PostgresWire
import RecordCodec
import Records

/// Entries of one reply, stream by stream, each with what it proves about its neighbours.
struct Delivered {
    struct Stream {
        let key: StreamKey
        let route: Routes.RouteID
        let delivery: Delivery
        let places: Batch.Places
    }

    let source: HeldBlock
    var streams: [Stream]
    /// Entries that become letters without being encoded, by their index in the block.
    var refused: [Int: Refusal] = [:]

    var entryCount: Int { streams.reduce(0) { $0 + $1.delivery.ids.count } }
}

extension Pipeline {
    /// Below so many entries a batch takes several routes' entries, so that a quiet worker pays for one commit.
    static let mixedBatchRows = 200

    /// 4. One batch per route, or one for all while there are few entries.
    func admit(_ delivered: Delivered?) -> [Batch] {
        guard let delivered else { return [] }
        guard !delivered.streams.isEmpty else {
            giveBack(delivered.source)
            return []
        }
        var order: [Routes.RouteID] = []
        var byRoute: [Routes.RouteID: [Delivered.Stream]] = [:]
        for stream in delivered.streams {
            if byRoute[stream.route] == nil { order.append(stream.route) }
            byRoute[stream.route, default: []].append(stream)
        }
        var groups = order.map { byRoute[$0] ?? [] }
        if groups.count > 1, delivered.entryCount < Self.mixedBatchRows, worker.routes.areDisjoint(order) {
            groups = [groups.flatMap(\.self)]
        }
        delivered.source.users = groups.count
        return groups.map { streams in
            Batch(
                number: ledger.admit(streams.map(\.delivery)), source: delivered.source, readAt: worker.now,
                parts: streams.map { Batch.Part(stream: $0.key, route: $0.route, places: $0.places) },
                refused: delivered.refused)
        }
    }

    /// The batch is done with. The block goes back with the last batch that points into it.
    func release(_ batch: Batch) {
        batch.source.users -= 1
        if batch.source.users == 0 { giveBack(batch.source) }
    }

    /// 5. Plans a try of the batch, with the ledger's word where the batch may meet what is stored already. `nil` when
    /// nothing of it is left to write; its entries are then acknowledged.
    func plan(_ batch: Batch) throws(LaneFailure) -> PlannedBatch? {
        let isSuspect = batch.parts.contains { sources.isSuspect($0.stream, at: worker.now) }
        let probes = ledger.probes(for: batch.number, isSuspect: isSuspect)
        var coverage: Coverage?
        if !probes.isEmpty {
            // The connection answers one thing at a time.
            try settle()
            coverage = try onPostgres { session throws(PostgresError) in try session.coverage(of: probes) }
        }
        guard let (attempt, plan) = ledger.plan(batch.number, coverage: coverage) else { return nil }
        if plan.parts.contains(where: { !$0.covered.isEmpty }) { try confirmSources(of: batch) }
        guard !plan.isCovered else {
            covered(plan)
            acknowledge(ledger.settleCovered(batch.number))
            release(batch)
            return nil
        }
        covered(plan)
        return PlannedBatch(batch: batch, attempt: attempt, plan: plan)
    }

    /// Entries of which the ledger has some already: resends, as a rule, and then they are done. But somebody may have
    /// deleted the stream and made the group again by hand, without a token and without a marker; then these are other
    /// entries with ids that were used before.
    /// - Throws: ``LaneFailure/sourceReplaced(stream:)`` before any of them counts as stored.
    func confirmSources(of batch: Batch) throws(LaneFailure) {
        let parts = zip(batch.parts, ledger.deliveries(of: batch.number))
        try confirm(Dictionary(parts.map { ($0.stream, $1.source) }) { first, _ in first })
    }

    /// That these streams still are the sources that their entries were read for, and that the transactions which the
    /// ledger knows of are durable.
    func confirm(_ expected: [StreamKey: SourceNumber]) throws(LaneFailure) {
        try confirmCommits()
        guard let redis, let postgres else { return }
        let resolver = SourceResolver(worker: worker, redis: redis, postgres: postgres)
        let resolution = try resolver.resolve(Array(expected.keys))
        for (stream, source) in expected {
            guard resolution.token == sources.token, resolution.sources[stream] == source else {
                throw .sourceReplaced(stream: "\(stream)")
            }
        }
    }

    /// What others have committed can be seen before a standby has it, when their wait for it came to nothing.
    /// - Throws: before anything of it counts as stored.
    func confirmCommits() throws(LaneFailure) {
        let isDurable = try onPostgres { session throws(PostgresError) in try session.confirmCommits() }
        guard isDurable else { throw .inDoubt(.warned) }
    }

    /// Cuts a batch behind its first `count` entries, when both sides get some.
    func cut(_ batch: Batch, behind count: Int) -> [Batch] {
        var head = batch
        let deliveries = ledger.deliveries(of: batch.number)
        guard let number = ledger.split(batch.number, after: count) else { return [batch] }
        let rest = head.split(after: count, deliveries: deliveries, rest: number)
        batch.source.users += 1
        return [head, rest]
    }

    private func covered(_ plan: FencePlan) {
        let count = plan.parts.reduce(0) { sum, part in sum + part.covered.reduce(0) { $0 + $1.count } }
        if count > 0 { worker.metrics.covered(count) }
    }
}

/// A batch and what its next transaction disposes of.
struct PlannedBatch {
    var batch: Batch
    var attempt: CommitAttempt
    var plan: FencePlan
}
