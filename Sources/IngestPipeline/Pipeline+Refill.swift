import IngestCore
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire

/// What refilling a stream came to.
public struct RefillCount: Equatable, Sendable {
    /// Entries that the stream still holds, as far as they were delivered to the group.
    public internal(set) var entries = 0
    /// Of these, entries that the database did not have and has now.
    public internal(set) var restored = 0
}

extension Pipeline {
    /// Entries looked at in one piece.
    private static let refillPage = 1_000

    /// Puts into the database what it lacks of the entries that a stream still holds, pending ones included. Safe beside
    /// living workers: the ledger decides who stores an entry.
    func refill(_ stream: StreamKey, since first: StreamID) throws(LaneFailure) -> RefillCount {
        var count = RefillCount()
        try resolve(sources.missing([stream]))
        guard let source = sources[stream], let route = worker.directory.route(of: stream) else { return count }
        var next: StreamID? = first
        while let from = next, !worker.stop.isRequested {
            let held = takeBlock()
            let found = try onRedis { redis throws(RedisError) in
                try redis.bodies(of: stream, IDRange(from, .max), count: Self.refillPage, into: held)
            }
            guard found.count > 0 else {
                giveBack(held)
                break
            }
            let wanted = (0..<held.block.count).map { held.block.id($0) }
            let page = BodyPage(ids: wanted, held: held, isLast: true)
            count.entries += page.ids.count
            count.restored += try uncoveredCount(page.ids, source)
            let delivery = Delivery.claimed(source: source, ids: page.ids, existing: page.existing)
            try process(
                Delivered(
                    source: held,
                    streams: [.init(key: stream, route: route, delivery: delivery, places: .listed(page.places))]))
            try settle()
            next = page.ids.last?.successor
        }
        return count
    }

    private func uncoveredCount(_ ids: [StreamID], _ source: SourceNumber) throws(LaneFailure) -> Int {
        let probes = FencePlanner.probes(for: [.claimed(source: source, ids: ids)], isRetry: false)
        let coverage = try onPostgres { session throws(PostgresError) in try session.coverage(of: probes) }
        return coverage.subtracted(from: ids, of: source).count
    }

    /// The database is complete again as far as the streams allow: from here on it is the one that Redis knows.
    func acceptDestination() throws(LaneFailure) {
        try onRedis { redis throws(RedisError) in try redis.forgetAcknowledged() }
        try onPostgres { session throws(PostgresError) in try session.noteDestination() }
    }
}
