import CoreMetrics
import IngestCore
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire

/// 3b. Pending entries: the lane's own after a (re)connection, those of consumers that died or hang, and single bodies
/// that were too large for their reply.
///
/// Claiming moves ids only (JUSTID); bodies are read with XRANGE afterwards, and only of ids that the ledger does not
/// have. Two of our ids that are neighbours in that reply are proven neighbours, so that a claim becomes a few ranges.
extension Pipeline {
    /// Ids looked at in one piece.
    static let claimPage = SuspectTrial.pieceCount

    func claimPending() throws(LaneFailure) -> Delivered? {
        // Claims are rare; one thing at a time keeps them simple: nothing is under way that could be claimed again.
        try settle()
        try flushAcknowledgements()
        if let waiting = claims.takeWaiting() { return try fetch(waiting) }
        if claims.isOwnDue { return try findOwnPending() }
        guard let own = claims.takeOwn() else { return nil }
        return try readOwnPending(own.stream, after: own.after)
    }

    // MARK: Own pending entries

    private func findOwnPending() throws(LaneFailure) -> Delivered? {
        let streams = claims.unseen(worker.directory.all)
        let found = try streamsHeld(among: streams)
        owed.formUnion(parked.intersection(found))
        claims.foundOwn(found.filter { !parked.contains($0) }, in: streams)
        return nil
    }

    /// Streams of which this consumer holds entries pending.
    func streamsHeld(among streams: [StreamKey]) throws(LaneFailure) -> [StreamKey] {
        let summaries = try onRedis { redis throws(RedisError) in try redis.pendingSummaries(of: streams) }
        return streams.filter { (summaries[$0]?.perConsumer[consumer] ?? 0) > 0 }
    }

    private func readOwnPending(_ stream: StreamKey, after: StreamID) throws(LaneFailure) -> Delivered? {
        let ids = try onRedis { redis throws(RedisError) in
            try redis.pendingIDs(of: stream, consumer: consumer, from: after, count: Self.claimPage)
        }
        guard let last = ids.last else { return nil }
        claims.goOnWithOwn(stream, after: last)
        return try fetch(.init(stream: stream, ids: ids))
    }

    // MARK: Other consumers' entries

    /// Takes ids over from consumers that died or hang. It holds up nothing: a COMMIT under way goes on.
    func sweep() throws(LaneFailure) {
        claims.sweepBegan(worker.now, jitter: Double.random(in: 0...1))
        let streams = assignment.own.filter { !parked.contains($0) }
        let isLookingForOwn = claims.isLeftoverDue(worker.now)
        if isLookingForOwn {
            // Nothing is in hand then: whatever is still pending for this lane it does not know of.
            try settle()
            try flushAcknowledgements()
        }
        let summaries = try onRedis { redis throws(RedisError) in try redis.pendingSummaries(of: streams) }
        if isLookingForOwn, ledger.isEmpty, acknowledgements.isEmpty {
            claims.readBack(Set(streams.filter { (summaries[$0]?.perConsumer[consumer] ?? 0) > 0 }))
        }
        for stream in streams {
            guard let summary = summaries[stream], summary.count > 0 else { continue }
            try claim(stream, summary)
        }
    }

    private func claim(_ stream: StreamKey, _ summary: PendingSummary) throws(LaneFailure) {
        let heartbeats = worker.directory.heartbeats
        let consumers = summary.perConsumer.filter { $0.key != consumer }.map { name, pending in
            ClaimSweep.Consumer(name: name, pending: pending, silence: heartbeats.silence(of: name))
        }
        guard !consumers.isEmpty else { return }
        let action = claims.withSweep(of: stream) { sweep in
            sweep.next(me: consumer, consumers: consumers, claimAfter: worker.settings.claimAfter)
        }
        // Claimed, and gone: the server drops entries that were deleted from its list when they are claimed. The ledger
        // and XRANGE tell what became of those.
        let ids: [StreamID]
        var claimed = 0
        switch action {
        case .claimFromDead(let dead, let after):
            let listed = try onRedis { redis throws(RedisError) in
                try redis.pendingIDs(of: stream, consumer: dead, from: after, count: worker.settings.claimCount)
            }
            claimed = try onRedis { redis throws(RedisError) in
                try redis.claim(listed, of: stream, minIdle: .zero).count
            }
            ids = listed
            _ = claims.withSweep(of: stream) { $0.claimedFromDead(listed, isInFlight: { _ in false }) }
            if !listed.isEmpty { claims.sweepAgain() }
        case .autoclaim(let cursor, let minIdle):
            let page = try autoclaim(stream, minIdle, from: cursor)
            ids = claims.withSweep(of: stream) { sweep in
                sweep.autoclaimed(page.claimed + page.deleted, next: page.cursor, isInFlight: { _ in false })
            }
            claimed = page.claimed.count
            if !ids.isEmpty { claims.sweepAgain() }
        }
        if claimed > 0 { worker.metrics.entriesClaimed.increment(by: claimed) }
        claims.add(stream, ids.sorted())
    }

    /// XAUTOCLAIM in short commands, until there are enough or a look finds nothing due.
    private func autoclaim(
        _ stream: StreamKey, _ minIdle: Duration, from cursor: StreamID
    ) throws(LaneFailure) -> ClaimPage {
        var all = ClaimPage(cursor: cursor, claimed: [], deleted: [])
        var found = 0
        repeat {
            let page = try onRedis { redis throws(RedisError) in
                try redis.claimPage(
                    of: stream, minIdle: minIdle, from: all.cursor,
                    count: min(RedisConnection.claimedAtOnce, worker.settings.claimCount))
            }
            all.cursor = page.cursor
            all.claimed += page.claimed
            all.deleted += page.deleted
            found = page.claimed.count + page.deleted.count
        } while found > 0 && all.cursor > .min
            && all.claimed.count + all.deleted.count < worker.settings.claimCount
        return all
    }

    // MARK: Bodies

    /// Leaves out what the ledger has, and reads the fields of the rest as far as one reply goes.
    private func fetch(_ waiting: ClaimStage.Waiting) throws(LaneFailure) -> Delivered? {
        try resolve(sources.missing([waiting.stream]))
        guard let source = sources[waiting.stream], let route = worker.directory.route(of: waiting.stream) else {
            return nil
        }
        claims.putBack(waiting.behind(Self.claimPage))
        let wanted = try uncovered(Array(waiting.ids.prefix(Self.claimPage)), waiting.stream, source)
        guard !wanted.isEmpty else { return nil }
        guard let trial = try trial(of: Array(wanted.prefix(bodyPage.count)), source, waiting.stream) else {
            claims.putBack(.init(stream: waiting.stream, ids: wanted))
            return nil
        }
        claims.putBack(.init(stream: waiting.stream, ids: Array(wanted.dropFirst(trial.ids.count))))
        let ids = trial.ids
        guard let first = ids.first, let last = ids.last else { return nil }
        let held = takeBlock()
        let asked = min(bodyPage.count, 2 * ids.count)
        let found = try bodies(of: waiting.stream, IDRange(first, last), count: asked, into: held)
        guard found.token == sources.token else {
            giveBack(held)
            forgetSources(for: found.token)
            return nil
        }
        let page = BodyPage(ids: ids, held: held, isLast: found.count < asked)
        claims.putBack(.init(stream: waiting.stream, ids: page.rest))
        let delivery = Delivery.claimed(source: source, ids: page.ids, existing: page.existing)
        var delivered = Delivered(
            source: held,
            streams: [.init(key: waiting.stream, route: route, delivery: delivery, places: .listed(page.places))])
        if trial.isGivenUp {
            for place in page.places { place.map { delivered.refused[$0] = Refusal(Rejection(.crash)) } }
        }
        return delivered
    }

    /// Reads bodies, and learns how many may be asked for.
    func bodies(
        of stream: StreamKey, _ range: IDRange, count: Int, into held: HeldBlock
    ) throws(LaneFailure) -> (count: Int, token: [UInt8]?) {
        let asked = worker.now
        let found = try onRedis { redis throws(RedisError) in
            try redis.bodies(of: stream, range, count: count, into: held)
        }
        let bytes = held.block.byteCount(of: 0..<held.block.count)
        bodyPage.observed(entries: found.count, bytes: bytes, in: worker.now - asked)
        return found
    }

    /// Covered ids are acknowledged at once: their rows or letters are durable, as far as this lane can make sure.
    private func uncovered(
        _ ids: [StreamID], _ stream: StreamKey, _ source: SourceNumber
    ) throws(LaneFailure) -> [StreamID] {
        let number = ledger.admit([.claimed(source: source, ids: ids)])
        let probes = ledger.probes(for: number)
        let coverage = try onPostgres { session throws(PostgresError) in try session.coverage(of: probes) }
        _ = ledger.plan(number, coverage: coverage)
        let covered = ledger.leave(number)
        if !covered.isEmpty { try confirm([stream: source]) }
        worker.metrics.covered(covered.reduce(0) { $0 + $1.ids.count })
        acknowledge(covered)
        return coverage.subtracted(from: ids, of: source)
    }
}

/// What one XRANGE reply says about ids that are wanted from it.
struct BodyPage {
    /// Wanted ids that the reply settles: with fields, or gone.
    private(set) var ids: [StreamID] = []
    /// The block's index of each, `nil` for those that are gone.
    private(set) var places: [Int?] = []
    /// Wanted ids that another reply has to settle.
    private(set) var rest: [StreamID] = []
    /// Every id of the reply, wanted or not, as far as it was used: the proof of who is whose neighbour.
    private(set) var existing: [StreamID] = []

    /// - Parameters:
    ///   - wanted: ascending; the reply begins at the first.
    ///   - isLast: the reply reaches the end of the wanted ids.
    init(ids wanted: [StreamID], held: HeldBlock, isLast: Bool) {
        let block = held.block.count
        var entry = 0
        for (index, id) in wanted.enumerated() {
            while entry < block, held.block.id(entry) < id {
                existing.append(held.block.id(entry))
                entry += 1
            }
            if entry < block, held.block.id(entry) == id {
                // A body that was read past though others came before it may still fit a reply of its own.
                if held.block.isSkipped(entry), entry > 0 {
                    rest = Array(wanted[index...])
                    return
                }
                ids.append(id)
                places.append(entry)
                existing.append(id)
                entry += 1
            } else if entry < block || isLast {
                ids.append(id)
                places.append(nil)
            } else {
                rest = Array(wanted[index...])
                return
            }
        }
    }
}
