public import Records
public import RedisWire

extension RedisConnection {
    /// Reads the stream's entries with ids within `range`, ascending, at most `count`, into `block`.
    ///
    /// The bodies of claimed entries come this way: what lies between them belongs to others, and what is missing was
    /// deleted.
    /// - Parameter timeout: ``RedisConnection/commandTimeout`` unless told.
    /// - Returns: how many entries the block holds.
    /// - Throws: ``RedisError``; `.server` with `WRONGTYPE` when the key is no stream. A missing key is 0 entries.
    public func range(
        of stream: StreamKey, _ range: IDRange, count: Int, into block: inout EntryBlock, timeout: Duration? = nil
    ) throws(RedisError) -> Int {
        let deadline = ContinuousClock.now + (timeout ?? commandTimeout)
        var request = CommandBuffer()
        request.append("XRANGE", .key(stream), .id(range.lower), .id(range.upper), "COUNT", .integer(max(1, count)))
        try send(request, by: deadline)
        switch try readEntries(.range(of: stream), into: &block, by: deadline) {
        case .nothing: return 0
        case .entries(let count): return count
        case .refused(let error): throw .server(error)
        }
    }

    /// How many entries the stream has; 0 when there is no such key.
    public func length(of stream: StreamKey) throws(RedisError) -> Int {
        try command("XLEN", .key(stream)).integer(of: "XLEN")
    }

    /// Removes entries below `id`.
    /// - Parameters:
    ///   - approximately: lets the server keep a few more (whole nodes are much cheaper to remove).
    ///   - limit: at most so many (only when approximate), so that a first trim after an outage does not stall Redis.
    /// - Returns: how many went.
    @discardableResult
    public func trim(
        _ stream: StreamKey, below id: StreamID, approximately: Bool = true, limit: Int? = nil
    ) throws(RedisError) -> Int {
        var arguments: [RedisArgument] = ["XTRIM", .key(stream), "MINID", approximately ? "~" : "=", .id(id)]
        if approximately, let limit { arguments += ["LIMIT", .integer(limit)] }
        return try command(arguments).integer(of: "XTRIM")
    }

    /// The key's type as Redis names it, such as `stream`; `none` when there is no such key.
    public func type(of key: StreamKey) throws(RedisError) -> String {
        try command("TYPE", .key(key)).text(of: "TYPE")
    }
}
