public import Records
public import RedisWire

/// What a group delivered and nobody has acknowledged, in numbers: XPENDING's short form. O(consumers).
public struct PendingSummary: Equatable, Sendable {
    public var count: Int
    /// The lowest and the highest pending id; `nil` when nothing is pending.
    public var lowest: StreamID?
    public var highest: StreamID?
    /// Consumers that have any.
    public var perConsumer: [String: Int] = [:]

    init(_ reply: RedisValue) throws(RedisError) {
        let parts = try reply.array(of: "XPENDING")
        guard parts.count == 4 else { throw unexpected("XPENDING") }
        count = try parts[0].integer(of: "XPENDING")
        lowest = parts[1].isNull ? nil : try parts[1].id(of: "XPENDING")
        highest = parts[2].isNull ? nil : try parts[2].id(of: "XPENDING")
        for pair in parts[3].array ?? [] {
            guard let pair = pair.array, pair.count == 2 else { throw unexpected("XPENDING") }
            perConsumer[try pair[0].text(of: "XPENDING")] = try pair[1].integer(of: "XPENDING")
        }
    }
}

/// One pending entry: XPENDING's long form.
public struct PendingEntry: Equatable, Sendable {
    public var id: StreamID
    public var consumer: String
    /// Since it was delivered or claimed last.
    public var idle: Duration
    /// For people to see: it decides nothing, because an innocent neighbour's count rises too.
    public var deliveries: Int
}

extension RedisConnection {
    /// - Throws: ``RedisError``; `.server` with `NOGROUP` when the group is not there.
    public func pendingSummary(of stream: StreamKey, group: String) throws(RedisError) -> PendingSummary {
        try PendingSummary(command("XPENDING", .key(stream), .text(group)))
    }

    /// Pending entries with ids within `range`, ascending, at most `count`. To go on, ask from the successor of the
    /// last id. (No filter by idle time: the server would scan the whole list.)
    public func pending(
        of stream: StreamKey, group: String, in range: IDRange = IDRange(.min, .max), count: Int,
        consumer: String? = nil
    ) throws(RedisError) -> [PendingEntry] {
        var arguments: [RedisArgument] = [
            "XPENDING", .key(stream), .text(group), .id(range.lower), .id(range.upper), .integer(count),
        ]
        if let consumer { arguments.append(.text(consumer)) }
        var entries: [PendingEntry] = []
        for element in try command(arguments).array(of: "XPENDING") {
            guard let parts = element.array, parts.count >= 4 else { throw unexpected("XPENDING") }
            entries.append(
                PendingEntry(
                    id: try parts[0].id(of: "XPENDING"), consumer: try parts[1].text(of: "XPENDING"),
                    idle: .milliseconds(try parts[2].integer(of: "XPENDING")),
                    deliveries: try parts[3].integer(of: "XPENDING")))
        }
        return entries
    }

    /// Those of the ranges in which there is neither an entry nor a pending id, some hundred in a pipeline.
    public func emptyRanges(
        _ ranges: [IDRange], of stream: StreamKey, group: String
    ) throws(RedisError) -> [IDRange] {
        var empty: [IDRange] = []
        for start in stride(from: 0, to: ranges.count, by: Self.rangesAtOnce) {
            let some = Array(ranges[start..<min(start + Self.rangesAtOnce, ranges.count)])
            let bare = try withoutEntries(some, of: stream)
            empty += try withoutPending(bare, of: stream, group: group)
        }
        return empty
    }

    private static let rangesAtOnce = 256

    /// Bodies are dropped as they come, however large.
    private func withoutEntries(_ ranges: [IDRange], of stream: StreamKey) throws(RedisError) -> [IDRange] {
        let deadline = commandDeadline
        var commands = CommandBuffer()
        for range in ranges {
            commands.append("XRANGE", .key(stream), .id(range.lower), .id(range.upper), "COUNT", .integer(1))
        }
        try send(commands, by: deadline)
        var block = EntryBlock()
        var bare: [IDRange] = []
        var refusal: ServerError?
        for range in ranges {
            switch try readEntries(.range(of: stream), into: &block, by: deadline) {
            case .nothing, .entries(0): bare.append(range)
            case .entries: break
            case .refused(let error): refusal = error
            }
        }
        if let refusal { throw .server(refusal) }
        return bare
    }

    private func withoutPending(
        _ ranges: [IDRange], of stream: StreamKey, group: String
    ) throws(RedisError) -> [IDRange] {
        guard !ranges.isEmpty else { return [] }
        var commands = CommandBuffer()
        for range in ranges {
            commands.append(
                "XPENDING", .key(stream), .text(group), .id(range.lower), .id(range.upper), .integer(1))
        }
        var free: [IDRange] = []
        for (range, reply) in zip(ranges, try pipeline(commands)) {
            if try reply.checked().array(of: "XPENDING").isEmpty { free.append(range) }
        }
        return free
    }
}
