public import Records
public import RedisWire

extension RedisConnection {
    /// - Returns: `nil` when there is no such key.
    /// - Throws: ``RedisError``; `.server` with `WRONGTYPE` when the key is no stream.
    public func streamFacts(of stream: StreamKey) throws(RedisError) -> StreamFacts? {
        // The first and the last entry come along, of whatever size.
        guard let reply = try inspect("STREAM", stream, abridged: true) else { return nil }
        return try StreamFacts(reply)
    }

    /// The stream's groups; none when there is no such key.
    public func groups(of stream: StreamKey) throws(RedisError) -> [GroupFacts] {
        guard let reply = try inspect("GROUPS", stream) else { return [] }
        var groups: [GroupFacts] = []
        for element in try reply.array(of: "XINFO GROUPS") { groups.append(try GroupFacts(element)) }
        return groups
    }

    /// The group's consumers, markers among them.
    /// - Throws: ``RedisError``; `.server` with `NOGROUP` when the group is not there.
    public func consumers(of stream: StreamKey, group: String) throws(RedisError) -> [ConsumerFacts] {
        guard let reply = try inspect("CONSUMERS", stream, .text(group)) else {
            throw .server(ServerError(code: "NOGROUP", message: "No such key"))
        }
        var consumers: [ConsumerFacts] = []
        for element in try reply.array(of: "XINFO CONSUMERS") { consumers.append(try ConsumerFacts(element)) }
        return consumers
    }

    /// `nil` when the server says that there is no such key.
    private func inspect(
        _ what: String, _ stream: StreamKey, _ more: RedisArgument..., abridged: Bool = false
    ) throws(RedisError) -> RedisValue? {
        var commands = CommandBuffer()
        commands.append(["XINFO", .text(what), .key(stream)] + more)
        let reply = try pipeline(commands, abridged: abridged)[0]
        if let error = reply.error, error.code == "ERR", error.message.hasPrefix("no such key") { return nil }
        return try reply.checked()
    }
}
