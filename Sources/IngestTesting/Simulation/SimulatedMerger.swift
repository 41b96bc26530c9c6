import IngestCore
import Records

/// The housekeeper that merges the ledger's rows. Every look at Redis is a step of its own.
final class SimulatedMerger {
    private enum Phase {
        case idle
        case token, source, delivered, pending, counts, tokenAgain, decide
        case gapEntries([IDRange]), gapPending([IDRange]), gapToken([IDRange])
        case commit(Int)
    }

    private unowned let world: SimulatedWorld
    private var phase = Phase.idle
    private var stream = 0
    private var era = 0
    private var server = 0
    private var source: ModelPostgres.Source?
    private var token: Int?
    private var lastDelivered = StreamID.min
    private var pending: IDRange?
    private var counts: FloorMerge.Counts?

    init(world: SimulatedWorld) {
        self.world = world
    }

    func step() {
        if case .idle = phase { return begin() }
        guard era == world.postgres.era, server == world.redis.server else { return stop() }
        if world.strikes(.crash, 10) { return stop() }
        switch phase {
        case .idle: break
        case .token:
            token = world.redis.token
            phase = .source
        case .source: readSource()
        case .delivered: readDelivered()
        case .pending: readPending()
        case .counts: readCounts()
        case .tokenAgain: phase = isSameToken ? .decide : .idle
        case .decide: decide()
        case .gapEntries(let gaps): readGapEntries(gaps)
        case .gapPending(let gaps): readGapPending(gaps)
        case .gapToken(let gaps): mergeNeighbours(gaps)
        case .commit(let transaction):
            world.postgres.commit(transaction)
            phase = .idle
        }
    }

    /// A merge in the middle of its transaction loses it with its session.
    private func stop() {
        if case .commit(let transaction) = phase { world.postgres.rollBack(transaction) }
        phase = .idle
    }

    private var isReadingDelivered: Bool { if case .delivered = phase { true } else { false } }

    private var isSameToken: Bool { token == world.redis.token || world.mutant == .mergeIgnoresToken }

    /// Connects, and checks the destination as every connection does.
    private func begin() {
        stream = world.random.below(SimulatedWorld.streamCount)
        (era, server) = (world.postgres.era, world.redis.server)
        let database = world.postgres.committed
        let check = DestinationCheck(
            stored: database.destination, found: world.postgres.identity, acknowledged: world.redis.acknowledged,
            coverage: Coverage(database.ledger.map { (source: $0.source, ids: $0.row.ids) }))
        guard check == .ok || world.mutant == .mergesAfterRestore else { return }
        phase = .token
    }

    private func readSource() {
        source = world.postgres.openSource(of: stream)
        let markers = world.redis.streams[stream]?.group?.markers ?? []
        guard let source, markers.contains(source.marker) else { return phase = .idle }
        phase = world.mutant == .mergeReadsPendingFirst ? .pending : .delivered
    }

    private func readDelivered() {
        guard let group = world.redis.streams[stream]?.group else { return phase = .idle }
        lastDelivered = group.lastDelivered
        if world.mutant == .mergeCountsFirst { readCounts() }
        phase = world.mutant == .mergeReadsPendingFirst ? .counts : .pending
    }

    private func readPending() {
        guard let group = world.redis.streams[stream]?.group else { return phase = .idle }
        pending = group.pending.first.map { IDRange($0.id, group.pending.last?.id ?? $0.id) }
        phase = world.mutant == .mergeReadsPendingFirst ? .delivered : .counts
    }

    private func readCounts() {
        guard let group = world.redis.streams[stream]?.group, let source else { return phase = .idle }
        let isLate = world.mutant == .mergeCountsFirst && !isReadingDelivered
        guard !isLate else { return phase = .tokenAgain }
        counts = nil
        if let read = group.entriesRead, source.server == world.redis.server {
            counts = .init(entriesRead: read, pending: group.pending.count, lastDelivered: group.lastDelivered)
        }
        if world.mutant == .mergesAfterRestore {
            counts = .init(entriesRead: 0, pending: 0, lastDelivered: .max)
        }
        phase = .tokenAgain
    }

    private func decide() {
        guard let source else { return phase = .idle }
        let facts = FloorMerge.Facts(
            tokenBefore: [0], lastDelivered: lastDelivered, pending: pending, counts: counts, tokenAfter: [0],
            rows: world.postgres.rows(of: source.number))
        phase = .idle
        switch FloorMerge.decide(facts, fewestRows: 2) {
        case .nothing: world.tally.count(.mergeRefused)
        case .floor(let ids, let count, _):
            let row = FloorMerge.Row(ids: ids, count: count, isFloor: true)
            if replace(with: [row]) { world.tally.count(.floorMerge) }
        case .inspect(let gaps): phase = .gapEntries(gaps)
        }
    }

    private func readGapEntries(_ gaps: [IDRange]) {
        phase = .gapPending(gaps.filter { world.redis.range(stream, $0, count: 1).isEmpty })
    }

    /// NOGROUP ends the merge.
    private func readGapPending(_ gaps: [IDRange]) {
        guard let group = world.redis.streams[stream]?.group else { return phase = .idle }
        phase = .gapToken(gaps.filter { gap in !group.pending.contains { gap.contains($0.id) } })
    }

    private func mergeNeighbours(_ gaps: [IDRange]) {
        phase = .idle
        guard isSameToken, let source else { return }
        let merged = FloorMerge.merging(world.postgres.rows(of: source.number), emptyGaps: gaps)
        if !merged.isEmpty, replace(with: merged.map(\.row)) { world.tally.count(.neighbourMerge) }
    }

    /// DELETE what lies within, INSERT … ON CONFLICT DO NOTHING; whoever is in the way makes it roll back.
    private func replace(with rows: [FloorMerge.Row]) -> Bool {
        guard let source else { return false }
        let transaction = world.postgres.begin(now: world.now)
        let deleted = world.postgres.committed.ledger.filter { one in
            one.source == source.number && rows.contains { $0.ids.contains(one.row.ids) }
        }
        let isBusy = world.postgres.transactions.contains { other in
            other.deleted.contains { deleted.contains($0) }
        }
        world.postgres.change(transaction) { $0.deleted = deleted }
        for row in rows where !isBusy {
            let result = world.postgres.insert(.init(source: source.number, row: row), in: transaction)
            guard result == .inserted else { break }
        }
        guard world.postgres.ledgerCount(of: transaction) == rows.count else {
            world.postgres.rollBack(transaction)
            return false
        }
        world.note("merge of stream \(stream): \(rows.map(\.ids))")
        phase = .commit(transaction)
        return true
    }
}
