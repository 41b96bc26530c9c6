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

    /// The key's type as Redis names it, such as `stream`; `none` when there is no such key.
    public func type(of key: StreamKey) throws(RedisError) -> String {
        try command("TYPE", .key(key)).text(of: "TYPE")
    }
}
