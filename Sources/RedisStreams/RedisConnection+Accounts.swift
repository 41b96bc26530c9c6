public import Records
public import RedisWire

/// A stream and all its groups at one moment.
public struct StreamAccount: Equatable, Sendable {
    public var stream: StreamFacts
    /// The group that was asked about; `nil` when the stream does not have it.
    public var group: GroupFacts?
    /// Of that group.
    public var pending: PendingSummary?
    public var consumers: [ConsumerFacts] = []

    /// Whether the group was given entries. Then the database knows the stream: its source comes before the first read.
    public var isDelivered: Bool { group.map { $0.lastDeliveredID > .min } ?? false }

    /// Entries that the group was not given yet, when the ids themselves prove how many.
    public var unread: Int? {
        guard let group else { return stream.length }
        if stream.length == 0 || group.lastDeliveredID >= stream.lastGeneratedID { return 0 }
        if let last = stream.lastEntryID, group.lastDeliveredID >= last { return 0 }
        if let first = stream.firstEntryID, group.lastDeliveredID < first { return stream.length }
        return nil
    }

    /// As ``unread``, or the server's own figure, which is a hint.
    public var lag: Int? {
        unread ?? group?.lag.map { min(max($0, 0), stream.length) }
    }
}

extension RedisConnection {
    private static let accountsAtOnce = 16

    /// What each stream and its group look like at one moment each (one MULTI for every 16 streams: XINFO STREAM brings
    /// two entries along, of whatever size). Keys that are missing or hold something else are left out.
    public func accounts(
        of streams: [StreamKey], group: String
    ) throws(RedisError) -> [StreamKey: StreamAccount] {
        var accounts: [StreamKey: StreamAccount] = [:]
        for start in stride(from: 0, to: streams.count, by: Self.accountsAtOnce) {
            let some = streams[start..<min(start + Self.accountsAtOnce, streams.count)]
            var commands = CommandBuffer()
            commands.append("MULTI")
            for stream in some {
                commands.append("XINFO", "STREAM", .key(stream))
                commands.append("XINFO", "GROUPS", .key(stream))
                commands.append("XPENDING", .key(stream), .text(group))
                commands.append("XINFO", "CONSUMERS", .key(stream), .text(group))
            }
            commands.append("EXEC")
            let replies = try pipeline(commands, abridged: true)
            for reply in replies { _ = try reply.checked() }
            let results = try (replies.last ?? .null).array(of: "EXEC")
            for (index, stream) in some.enumerated() {
                accounts[stream] = try StreamAccount(results[(index * 4)..<(index * 4 + 4)], group: group)
            }
        }
        return accounts
    }
}

extension StreamAccount {
    /// - Parameter replies: of XINFO STREAM, XINFO GROUPS, XPENDING and XINFO CONSUMERS.
    init?(_ replies: ArraySlice<RedisValue>, group name: String) throws(RedisError) {
        let replies = Array(replies)
        guard replies.count == 4, replies[0].error == nil, replies[1].error == nil else { return nil }
        stream = try StreamFacts(replies[0])
        for element in try replies[1].array(of: "XINFO GROUPS") {
            let facts = try GroupFacts(element)
            if facts.name == name { group = facts }
        }
        guard group != nil, replies[2].error == nil, replies[3].error == nil else { return }
        pending = try PendingSummary(replies[2])
        for element in try replies[3].array(of: "XINFO CONSUMERS") {
            let facts = try ConsumerFacts(element)
            if IncarnationMarker(consumerName: facts.name) == nil { consumers.append(facts) }
        }
    }
}
