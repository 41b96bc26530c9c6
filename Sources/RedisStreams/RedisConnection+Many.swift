public import Records
public import RedisWire

/// What Redis knows of one stream and one of its groups: enough to tell which incarnation it is.
public struct StreamIdentity: Equatable, Sendable {
    /// The key holds something else than a stream.
    public var isNoStream = false
    /// `nil` when there is no such key.
    public var stream: StreamFacts?
    /// `nil` when there is no such group.
    public var group: GroupFacts?
    public var markers: [IncarnationMarker]
    /// `nil` when nothing is pending.
    public var lowestPending: StreamID?
}

/// Questions about many streams, in one pipeline for some hundred of them.
extension RedisConnection {
    private static let streamsAtOnce = 256
    /// XINFO STREAM brings two entries along, of whatever size: Redis has to keep the replies that wait to be sent.
    private static let identitiesAtOnce = 64

    /// What is pending of each stream. Streams without the group, and keys that are no streams, are left out.
    public func pendingSummaries(
        of streams: [StreamKey], group: String
    ) throws(RedisError) -> [StreamKey: PendingSummary] {
        var summaries: [StreamKey: PendingSummary] = [:]
        try forEach(streams, atOnce: Self.streamsAtOnce, commandsEach: 1) { commands, stream in
            commands.append("XPENDING", .key(stream), .text(group))
        } body: { stream, replies throws(RedisError) in
            if let error = replies[0].error, error.isMissingGroup || error.isWrongType { return }
            summaries[stream] = try PendingSummary(replies[0].checked())
        }
        return summaries
    }

    /// What tells one incarnation of a stream from another.
    public func identities(
        of streams: [StreamKey], group: String
    ) throws(RedisError) -> [StreamKey: StreamIdentity] {
        var identities: [StreamKey: StreamIdentity] = [:]
        try forEach(streams, atOnce: Self.identitiesAtOnce, commandsEach: 4, abridged: true) { commands, stream in
            commands.append("XINFO", "STREAM", .key(stream))
            commands.append("XINFO", "GROUPS", .key(stream))
            commands.append("XINFO", "CONSUMERS", .key(stream), .text(group))
            commands.append("XPENDING", .key(stream), .text(group))
        } body: { stream, replies throws(RedisError) in
            identities[stream] = try StreamIdentity(replies, group: group)
        }
        return identities
    }

    private func forEach(
        _ streams: [StreamKey], atOnce: Int, commandsEach: Int, abridged: Bool = false,
        write: (inout CommandBuffer, StreamKey) -> Void, body: (StreamKey, [RedisValue]) throws(RedisError) -> Void
    ) throws(RedisError) {
        for start in stride(from: 0, to: streams.count, by: atOnce) {
            let some = streams[start..<min(start + atOnce, streams.count)]
            var commands = CommandBuffer()
            for stream in some { write(&commands, stream) }
            let replies = try pipeline(commands, abridged: abridged)
            for (index, stream) in some.enumerated() {
                let first = index * commandsEach
                try body(stream, Array(replies[first..<(first + commandsEach)]))
            }
        }
    }
}

extension StreamIdentity {
    /// - Parameter replies: of XINFO STREAM, XINFO GROUPS, XINFO CONSUMERS and XPENDING.
    init(_ replies: [RedisValue], group name: String) throws(RedisError) {
        stream = nil
        group = nil
        markers = []
        lowestPending = nil
        if let error = replies[0].error {
            isNoStream = error.isWrongType
            if isNoStream || error.code == "ERR" && error.message.hasPrefix("no such key") { return }
        }
        stream = try StreamFacts(replies[0].checked())
        for element in try replies[1].checked().array(of: "XINFO GROUPS") {
            let facts = try GroupFacts(element)
            if facts.name == name { group = facts }
        }
        guard group != nil else { return }
        for element in try replies[2].checked().array(of: "XINFO CONSUMERS") {
            if let marker = IncarnationMarker(consumerName: try ConsumerFacts(element).name) { markers.append(marker) }
        }
        lowestPending = try PendingSummary(replies[3].checked()).lowest
    }
}
