import IngestCore
import PostgresCopy
import PostgresWire
import RecordCodec
import Records
import RedisStreams
import RedisWire

/// A table has refused all that was tried for long. Is it the table, or do bad entries stand together? Other entries
/// that wait for it decide: some are tried, and rolled back. (docs/decisions/0024-held-up.md)
extension Pipeline {
    /// Entries tried, over all streams.
    private static let looks = 10
    /// No look begins later: a table may be slow, too.
    private static let looksEnd = Duration.seconds(2)

    /// Whether the table takes any of the entries that the streams of `batch`, or others that write to it, still hold.
    func takesOthers(_ table: String, than batch: Batch) throws(LaneFailure) -> Bool {
        let own = batch.parts.map(\.stream)
        let others = worker.directory.all.filter { worker.writes($0, to: [table]) && !own.contains($0) }.shuffled()
        let streams = Array((own + others).prefix(Self.looks))
        let states = try onRedis { redis throws(RedisError) in try redis.identities(of: streams) }
        let stretches = streams.compactMap { stream in
            states[stream]?.unstored.map { (stream: stream, stretch: $0) }
        }
        guard !stretches.isEmpty else { return false }
        let end = worker.now + Self.looksEnd
        for look in 0..<Self.looks where worker.now < end {
            let (stream, stretch) = stretches[look % stretches.count]
            // The newest of each stream, then any: another draw at every try, so that no run of bad entries is too long.
            let fraction = look < stretches.count ? 1 : Double.random(in: 0..<1)
            if try takes(table, IDRange(stretch.place(fraction), stretch.last), of: stream) { return true }
        }
        return false
    }

    /// Whether the table takes the first entry of a range. Nothing of it is kept.
    private func takes(_ table: String, _ range: IDRange, of stream: StreamKey) throws(LaneFailure) -> Bool {
        guard let route = worker.directory.route(of: stream) else { return false }
        let held = takeBlock()
        defer { giveBack(held) }
        let found = try onRedis { redis throws(RedisError) in
            try redis.bodies(of: stream, range, count: 1, into: held)
        }
        guard found.count > 0, !held.block.isSkipped(0) else { return false }
        refreshEncoders()
        let encoder = try encoder(of: route)
        encoder.begin()
        var rejected: [RejectedEntry] = []
        _ = encoder.encode(
            0..<1, of: held, stream: stream, now: worker.microseconds, skipping: [], rejected: &rejected)
        guard let load = EncodedBatch.Load.filled(encoder).first(where: { $0.table.rows.table == table }) else {
            return false
        }
        var unit = CommitUnit(rows: [
            .init(target: load.table.target, count: 1, source: load.table.rows, isStaged: load.isStaged)
        ])
        unit.isRehearsal = true
        let report = try onPostgres { session throws(PostgresError) in session.rehearse(unit) }
        if report.isConnectionLost {
            throw LaneFailure(report.failure ?? PostgresError(.connectionLost, isConnectionLost: true))
        }
        return report.isRehearsed
    }
}

extension RedisSession.StreamState {
    /// Where the stream's entries lie that are still to be stored; `nil` when there are none.
    fileprivate var unstored: UnstoredStretch? {
        stream.flatMap {
            UnstoredStretch(
                lastGenerated: $0.lastGenerated, lastDelivered: group?.lastDelivered ?? .min,
                lowestPending: group?.pendingMin)
        }
    }
}
