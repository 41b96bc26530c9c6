import IngestCore
import PostgresCopy
import PostgresWire
public import Records
import RedisStreams
import RedisWire

/// Removes from a stream what nobody needs any more (``TrimDecision``). Safe beside workers and other trimmers.
///
/// Blocks its thread.
public struct StreamTrimming {
    /// Why nothing may be removed.
    public enum Obstacle: Equatable, Sendable {
        /// No such stream, or it is empty.
        case empty
        /// The group of this pipeline does not read it: nobody knows what is stored.
        case noGroup
        /// The database does not know this incarnation of the stream.
        case unknownSource
        /// Everything is too young, not acknowledged by every group, not in the ledger, or wanted by a dead letter.
        case nothingDue
        /// The database went back behind what was acknowledged: `millrace reconcile` comes first.
        case destinationWentBack
        /// Groups were made anew meanwhile.
        case changed
    }

    /// What may go.
    public struct Survey: Equatable, Sendable {
        public var length: Int
        public var first: StreamID
        /// Entries below it may go.
        public var limit: StreamID
        let token: [UInt8]
    }

    /// Redis stops a single XTRIM behind so many entries, so that it stays short.
    static let entriesAtOnce = 10_000

    private let servers: GroupServers

    public init(_ servers: GroupServers) {
        self.servers = servers
    }

    /// Says what may go, without removing anything.
    /// - Throws: ``RedisError`` and ``PostgresError``.
    public func survey(_ stream: StreamKey, retention: Duration) throws -> Result<Survey, Obstacle> {
        defer { _ = try? servers.redis.command("UNWATCH") }
        return try look(at: stream, retention)
    }

    /// Removes whole nodes of the stream: as a rule a few entries below the limit stay.
    /// - Parameters:
    ///   - most: stops about there.
    ///   - progress: called after each portion with what went.
    /// - Returns: how many went; as many as `most` means that there may be more.
    /// - Throws: ``RedisError`` and ``PostgresError``; what was removed until then is gone.
    public func trim(
        _ stream: StreamKey, retention: Duration, most: Int = .max, progress: (Int) -> Void = { _ in }
    ) throws -> Result<Int, Obstacle> {
        defer { _ = try? servers.redis.command("UNWATCH") }
        let survey: Survey
        switch try look(at: stream, retention) {
        case .success(let found): survey = found
        case .failure(let obstacle): return .failure(obstacle)
        }
        var removed = 0
        while removed < most {
            // EXEC ends the watch.
            guard
                let count = try servers.redis.trimWatched(stream, below: survey.limit, limit: Self.entriesAtOnce)
            else { return removed == 0 ? .failure(.changed) : .success(removed) }
            removed += count
            progress(count)
            // The limit holds as long as the token does.
            guard count > 0, try servers.redis.watchEpoch(group: servers.group) == survey.token else { break }
        }
        return .success(removed)
    }

    // MARK: Looking

    /// Leaves the epoch token watched. The order of the reads is ``TrimDecision``'s.
    private func look(at stream: StreamKey, _ retention: Duration) throws -> Result<Survey, Obstacle> {
        if case .wentBack = try servers.destination() { return .failure(.destinationWentBack) }
        guard let token = try servers.redis.watchEpoch(group: servers.group) else { return .failure(.noGroup) }
        let now = try servers.redis.serverMilliseconds()
        guard let stats = try servers.redis.streamFacts(of: stream), let first = stats.firstEntryID else {
            return .failure(.empty)
        }
        guard let groups = try groups(of: stream) else { return .failure(.noGroup) }
        guard let book = try servers.books(of: stream).first,
            try servers.redis.markers(in: servers.group, of: stream)
                .contains(where: { HexUUID($0.uuid) == book.incarnation })
        else { return .failure(.unknownSource) }
        let rows = try servers.ledger.coverage(
            of: [(source: book.number, ids: IDRange(first, .max))], deadline: servers.deadline)
        let referred = try servers.ledger.lowestReferred(of: book.number, deadline: servers.deadline)
        let plan = TrimDecision.plan(
            .init(
                first: first, groups: groups, now: UInt64(max(0, now)), retention: retention, covered: rows.map(\.ids),
                lowestReferred: referred))
        guard let plan, let limit = try firstUncovered(plan, stream, first) else { return .failure(.nothingDue) }
        return .success(Survey(length: stats.length, first: first, limit: limit, token: token))
    }

    /// Last-delivered of every group, then what is pending of every group; `nil` without ours.
    private func groups(of stream: StreamKey) throws(RedisError) -> [TrimDecision.Group]? {
        let facts = try servers.redis.groups(of: stream)
        guard facts.contains(where: { $0.name == servers.group }) else { return nil }
        var groups: [TrimDecision.Group] = []
        for group in facts {
            let pending = try servers.redis.pendingSummary(of: stream, group: group.name)
            groups.append(
                .init(lastDelivered: group.lastDeliveredID, pending: pending.count, lowestPending: pending.lowest))
        }
        return groups
    }

    /// The limit, or the first entry in one of the gaps; `nil` when that is the stream's first.
    private func firstUncovered(
        _ plan: TrimDecision.Plan, _ stream: StreamKey, _ first: StreamID
    ) throws(RedisError) -> StreamID? {
        var block = EntryBlock()
        for gap in plan.gaps {
            guard try servers.redis.range(of: stream, gap, count: 1, into: &block) > 0 else { continue }
            return block.id(0) > first ? block.id(0) : nil
        }
        return plan.limit
    }
}

extension StreamTrimming.Obstacle: Error {}
