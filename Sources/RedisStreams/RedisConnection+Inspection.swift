public import Records
public import RedisWire

extension RedisConnection {
    /// - Returns: `nil` when there is no such key.
    /// - Throws: ``RedisError``; `.server` with `WRONGTYPE` when the key is no stream.
    public func streamFacts(of stream: StreamKey) throws(RedisError) -> StreamFacts? {
        guard let reply = try inspect("STREAM", stream) else { return nil }
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
        _ what: String, _ stream: StreamKey, _ more: RedisArgument...
    ) throws(RedisError) -> RedisValue? {
        do {
            return try command(["XINFO", .text(what), .key(stream)] + more)
        } catch .server(let error) where error.code == "ERR" && error.message.hasPrefix("no such key") {
            return nil
        }
    }
}
