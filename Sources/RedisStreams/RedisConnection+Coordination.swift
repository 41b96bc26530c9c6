public import Records
public import RedisWire

/// Heartbeats, the epoch and the acknowledged ids: what a group's workers tell each other.
extension RedisConnection {
    /// The server's clock in milliseconds since 1970: the one clock that all workers share.
    public func serverMilliseconds() throws(RedisError) -> Int {
        let parts = try command("TIME").array(of: "TIME")
        guard parts.count == 2 else { throw unexpected("TIME") }
        return try parts[0].integer(of: "TIME") * 1_000 + parts[1].integer(of: "TIME") / 1_000
    }

    // MARK: Heartbeats

    /// Says that these consumers are alive.
    /// - Returns: the server's time that was written.
    @discardableResult
    public func heartbeat(_ consumers: [String], group: String) throws(RedisError) -> Int {
        let now = try serverMilliseconds()
        guard !consumers.isEmpty else { return now }
        var arguments: [RedisArgument] = ["HSET", .key(ControlKeys(group: group).workers)]
        for consumer in consumers { arguments += [.text(consumer), .integer(now)] }
        try command(arguments)
        return now
    }

    /// The last heartbeat of every consumer of the group, in the server's milliseconds.
    public func heartbeats(group: String) throws(RedisError) -> [String: Int] {
        var heartbeats: [String: Int] = [:]
        for (name, value) in try hash(ControlKeys(group: group).workers) {
            heartbeats[String(decoding: name, as: UTF8.self)] = RedisValue.bulk(value).figure
        }
        return heartbeats
    }

    /// Forgets consumers that have stopped.
    public func removeHeartbeats(of consumers: [String], group: String) throws(RedisError) {
        guard !consumers.isEmpty else { return }
        try command(["HDEL", .key(ControlKeys(group: group).workers)] + consumers.map { .text($0) })
    }

    // MARK: Epoch

    public func epoch(group: String) throws(RedisError) -> [UInt8]? {
        try command("GET", .key(ControlKeys(group: group).epoch)).bytes
    }

    /// Sets a fresh token: before the group is created anew, so that no reader can miss it.
    /// - Parameter onlyIfMissing: keeps a token that is there.
    public func setEpoch(_ token: [UInt8], group: String, onlyIfMissing: Bool = false) throws(RedisError) {
        let key = RedisArgument.key(ControlKeys(group: group).epoch)
        try command(["SET", key, .bytes(token)] + (onlyIfMissing ? ["NX"] : []))
    }

    // MARK: Acknowledged ids

    /// Adds to `commands` a note of the highest id acknowledged of each source, to be sent with the XACKs.
    public static func noteAcknowledged(
        _ ids: [SourceNumber: StreamID], group: String, to commands: inout CommandBuffer
    ) {
        guard !ids.isEmpty else { return }
        var arguments: [RedisArgument] = ["HSET", .key(ControlKeys(group: group).acknowledged)]
        for (source, id) in ids.sorted(by: { $0.key < $1.key }) {
            arguments += [.integer(Int(source.rawValue)), .id(id)]
        }
        commands.append(arguments)
    }

    /// For each source an id that some lane acknowledged: the database must cover it.
    public func acknowledgedIDs(group: String) throws(RedisError) -> [SourceNumber: StreamID] {
        var ids: [SourceNumber: StreamID] = [:]
        for (name, value) in try hash(ControlKeys(group: group).acknowledged) {
            guard let source = Int32(String(decoding: name, as: UTF8.self)), let id = StreamID(ascii: value.span)
            else { continue }
            ids[SourceNumber(rawValue: source)] = id
        }
        return ids
    }

    func hash(_ key: StreamKey) throws(RedisError) -> [([UInt8], [UInt8])] {
        let elements = try command("HGETALL", .key(key)).array(of: "HGETALL")
        guard elements.count.isMultiple(of: 2) else { throw unexpected("HGETALL") }
        var pairs: [([UInt8], [UInt8])] = []
        for index in stride(from: 0, to: elements.count, by: 2) {
            guard let name = elements[index].bytes, let value = elements[index + 1].bytes else {
                throw unexpected("HGETALL")
            }
            pairs.append((name, value))
        }
        return pairs
    }
}
