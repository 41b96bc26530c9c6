import IngestCore
import PostgresCopy
import PostgresWire
public import Records
import RedisStreams
import RedisWire

/// What refilling came to.
public struct RefillCount: Equatable, Sendable {
    /// Entries that the stream still holds, as far as they were delivered to the group.
    public internal(set) var entries = 0
    /// Of these, entries that the database knew nothing of: they are rows or dead letters now.
    public internal(set) var restored = 0

    static func += (total: inout RefillCount, more: RefillCount) {
        total.entries += more.entries
        total.restored += more.restored
    }
}

/// Why a refill ended before its end. What was stored until then stays, and it can be run again.
public enum RefillError: Error, Equatable, Sendable {
    /// Entries of this stream are not stored: the table takes no rows, for this reason.
    case tableHeld(stream: StreamKey, table: String, reason: String)
    /// Entries of this stream are not stored, and no table says why.
    case left(stream: StreamKey, entries: Int)
    /// The caller's `progress` said so.
    case stopped
}

extension Pipeline {
    /// How long a table may be locked, or a page come to nothing, before the refill ends.
    private static let refillPatience = Duration.seconds(30)

    /// Puts into the database what it lacks of the entries that a stream still holds, pending ones included. Safe beside
    /// living workers: the ledger decides who stores an entry.
    ///
    /// Nobody else would bring these entries: Redis counts them as acknowledged. So whatever a try leaves out, because a
    /// table is held or a group was made anew, is tried again until the ledger has it.
    /// - Parameter progress: called after each piece with what it came to; `false` ends the refill.
    func refill(_ stream: StreamKey, since first: StreamID, progress: (RefillCount) -> Bool) throws {
        var next: StreamID? = first
        var patience = worker.now + Self.refillPatience
        while let from = next {
            var count = RefillCount()
            switch try refillPage(stream, from: from, &count) {
            case .end:
                return
            case .done(let last):
                next = last.successor
                patience = worker.now + Self.refillPatience
            case .left(let entries):
                try wait(for: stream, left: entries, until: patience)
            }
            guard progress(count) else { throw RefillError.stopped }
        }
    }

    private enum RefillStep {
        /// The stream has no more entries that were delivered.
        case end
        /// The ledger has everything up to this id.
        case done(last: StreamID)
        /// The ledger still lacks so many of the piece's entries.
        case left(Int)
    }

    private func refillPage(
        _ stream: StreamKey, from first: StreamID, _ count: inout RefillCount
    ) throws(LaneFailure) -> RefillStep {
        try resolve(sources.missing([stream]))
        guard let source = sources[stream], let route = worker.directory.route(of: stream) else { return .end }
        // What was not delivered yet is the workers' to read.
        let group = try onRedis { redis throws(RedisError) in try redis.identities(of: [stream])[stream]?.group }
        guard let group, first <= group.lastDelivered else { return .end }
        let held = takeBlock()
        let found = try bodies(of: stream, IDRange(first, group.lastDelivered), count: bodyPage.count, into: held)
        guard found.token == sources.token else {
            giveBack(held)
            forgetSources(for: found.token)
            return .left(found.count)
        }
        let page = BodyPage(ids: (0..<held.block.count).map { held.block.id($0) }, held: held, isLast: true)
        guard let last = page.ids.last else {
            giveBack(held)
            return .end
        }
        let missing = try uncovered(page.ids, source)
        let delivery = Delivery.claimed(source: source, ids: page.ids, existing: page.existing)
        try process(
            Delivered(
                source: held,
                streams: [.init(key: stream, route: route, delivery: delivery, places: .listed(page.places))]))
        try settle()
        try flushAcknowledgements()
        let left = missing == 0 ? 0 : try uncovered(page.ids, source)
        count.restored = missing - left
        guard left == 0 else { return .left(left) }
        count.entries = page.ids.count
        return .done(last: last)
    }

    private func uncovered(_ ids: [StreamID], _ source: SourceNumber) throws(LaneFailure) -> Int {
        let probes = FencePlanner.probes(for: [.claimed(source: source, ids: ids)], isRetry: false)
        let coverage = try onPostgres { session throws(PostgresError) in try session.coverage(of: probes) }
        return coverage.subtracted(from: ids, of: source).count
    }

    /// Some time before the next try; long enough for a lock to pass.
    private func wait(for stream: StreamKey, left entries: Int, until end: ContinuousClock.Instant) throws {
        let held = worker.tables.held.first { worker.writes(stream, to: [$0.table]) }
        if let held, held.hold.needsPerson || worker.now >= end {
            throw RefillError.tableHeld(stream: stream, table: held.table, reason: held.reason)
        }
        guard worker.now < end else { throw RefillError.left(stream: stream, entries: entries) }
        worker.stop.pause(.milliseconds(100))
    }

    /// The database is complete again as far as the streams allow: from here on it is the one that Redis knows.
    func acceptDestination() throws(LaneFailure) {
        try onRedis { redis throws(RedisError) in try redis.forgetAcknowledged() }
        try onPostgres { session throws(PostgresError) in try session.noteDestination() }
    }
}
