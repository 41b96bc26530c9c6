public import Records
public import RedisWire

/// One step of a sweep through a group's pending entries.
public struct ClaimPage: Equatable, Sendable {
    /// Where the next step goes on; `.min` when the sweep has come round. A page may claim nothing and still have a
    /// cursor: the server looks at ten entries for each one asked for, and those in front may all be fresh.
    public var cursor: StreamID
    /// Ours now, ascending. Their bodies are to be read with XRANGE.
    public var claimed: [StreamID]
    /// No longer in the stream, and (from 7.0 on) taken off the pending list: lost unless the ledger covers them.
    public var deleted: [StreamID]

    public init(cursor: StreamID, claimed: [StreamID], deleted: [StreamID]) {
        self.cursor = cursor
        self.claimed = claimed
        self.deleted = deleted
    }
}

/// How a group's pending entries are claimed.
public enum ClaimMethod: Sendable {
    /// XAUTOCLAIM: Redis 6.2 and later.
    case automatic
    /// XPENDING and XCLAIM: Redis 6.0 and 6.1.
    case byPending
}

extension RedisConnection {
    /// Ids of one XCLAIM or XAUTOCLAIM. From Redis 7 on each costs a look into a node of the stream, some 10 us: 500 in
    /// one command were seen to hold up the server for more than 20 ms.
    public static let claimedAtOnce = 100

    /// Claims entries that have been pending for `idle`, whoever has them, without raising their delivery count.
    /// - Parameters:
    ///   - cursor: `.min` to begin, then each page's cursor. Begin anew after NOGROUP.
    ///   - count: at most so many.
    /// - Throws: ``RedisError``.
    public func claimPage(
        of stream: StreamKey, group: String, to consumer: String, idle: Duration, from cursor: StreamID, count: Int,
        method: ClaimMethod = .automatic
    ) throws(RedisError) -> ClaimPage {
        if method == .byPending {
            return try claimPending(of: stream, group: group, to: consumer, idle: idle, from: cursor, count: count)
        }
        let parts = try command(
            "XAUTOCLAIM", .key(stream), .text(group), .text(consumer), .integer(idle.wholeMilliseconds), .id(cursor),
            "COUNT", .integer(count), "JUSTID"
        ).array(of: "XAUTOCLAIM")
        guard parts.count >= 2 else { throw unexpected("XAUTOCLAIM") }
        return ClaimPage(
            cursor: try parts[0].id(of: "XAUTOCLAIM"), claimed: try parts[1].ids(of: "XAUTOCLAIM"),
            deleted: parts.count > 2 ? try parts[2].ids(of: "XAUTOCLAIM") : [])
    }

    private func claimPending(
        of stream: StreamKey, group: String, to consumer: String, idle: Duration, from cursor: StreamID, count: Int
    ) throws(RedisError) -> ClaimPage {
        let page = try pending(of: stream, group: group, in: IDRange(cursor, .max), count: count)
        let due = page.filter { $0.idle >= idle }.map(\.id)
        let claimed = try claim(due, of: stream, group: group, to: consumer, minimumIdle: idle)
        let next = page.count < count ? nil : page.last?.id.successor
        return ClaimPage(cursor: next ?? .min, claimed: claimed, deleted: [])
    }

    /// Makes these entries the consumer's, without raising their delivery count: to refresh its own in-flight entries,
    /// or to take those of a dead one. One command and one round trip for every ``claimedAtOnce`` ids, so that others get
    /// their turn in between.
    /// - Parameters:
    ///   - minimumIdle: leaves alone what was delivered or claimed more recently. For a heartbeat use a little less
    ///     than its interval: an entry that another worker has just claimed is then not snatched back.
    ///   - settingIdle: what the entries' idle time becomes instead of 0.
    /// - Returns: those that changed hands (or stayed, refreshed). Ids that are not pending are left out.
    /// - Throws: ``RedisError``.
    @discardableResult
    public func claim(
        _ ids: [StreamID], of stream: StreamKey, group: String, to consumer: String, minimumIdle: Duration = .zero,
        settingIdle: Duration? = nil
    ) throws(RedisError) -> [StreamID] {
        var claimed: [StreamID] = []
        for start in stride(from: 0, to: ids.count, by: Self.claimedAtOnce) {
            let some = ids[start..<min(start + Self.claimedAtOnce, ids.count)]
            var commands = CommandBuffer()
            commands.begin(argumentCount: 6 + some.count + (settingIdle == nil ? 0 : 2))
            commands.write("XCLAIM")
            commands.write(stream.bytes)
            commands.write(group)
            commands.write(consumer)
            commands.write(.integer(minimumIdle.wholeMilliseconds))
            for id in some { commands.write(id) }
            if let settingIdle {
                commands.write("IDLE")
                commands.write(.integer(settingIdle.wholeMilliseconds))
            }
            commands.write("JUSTID")
            claimed += try pipeline(commands)[0].checked().ids(of: "XCLAIM")
        }
        return claimed
    }

    /// Hands entries back at shutdown: to the consumer `released`, and as old as a day, so that nobody waits for them.
    public func release(_ ids: [StreamID], of stream: StreamKey, group: String) throws(RedisError) {
        try claim(
            ids, of: stream, group: group, to: ConsumerNames.released, settingIdle: .seconds(86_400))
    }

    /// Acknowledges entries at once.
    /// - Returns: how many were pending.
    @discardableResult
    public func acknowledge(_ ids: [StreamID], of stream: StreamKey, group: String) throws(RedisError) -> Int {
        var commands = CommandBuffer()
        commands.appendAcknowledge(stream: stream, group: group, ids: ids)
        var count = 0
        for reply in try pipeline(commands) { count += try reply.checked().integer(of: "XACK") }
        return count
    }
}

/// Names of consumers with a meaning of their own.
public enum ConsumerNames {
    /// Holds what workers handed back when they stopped.
    public static let released = "released"

    /// A lane's name. The slot keeps two workers of one name apart.
    public static func lane(worker: String, slot: Int, lane: Int) -> String { "\(worker).\(slot).\(lane)" }
}
