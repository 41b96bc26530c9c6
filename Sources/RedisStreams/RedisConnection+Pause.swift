public import Records
public import RedisWire

/// Who paused a stream, and when.
public struct PauseNote: Equatable, Sendable {
    public var by: String
    /// The server's clock in milliseconds since 1970.
    public var at: Int

    public init(by: String, at: Int) {
        self.by = by
        self.at = at
    }

    /// `<milliseconds> <who>`. Anything else was written by hand: the stream is paused all the same.
    init(_ value: [UInt8]) {
        let text = String(decoding: value, as: UTF8.self)
        let parts = text.split(separator: " ", maxSplits: 1)
        at = parts.first.flatMap { RedisValue.simple(String($0)).figure } ?? 0
        by = at > 0 ? parts.dropFirst().first.map(String.init) ?? "" : text
    }

    var text: String { "\(at) \(by)" }
}

extension RedisConnection {
    /// The streams that are not to be read. (Lost with a FLUSHALL: everything is read again then.)
    public func pausedStreams(group: String) throws(RedisError) -> [StreamKey: PauseNote] {
        var paused: [StreamKey: PauseNote] = [:]
        for (stream, note) in try hash(ControlKeys(group: group).paused) {
            paused[StreamKey(bytes: stream)] = PauseNote(note)
        }
        return paused
    }

    /// Keeps every worker of the group from reading these streams. A stream that is paused keeps its note.
    /// - Returns: how many were not paused before.
    @discardableResult
    public func pause(_ streams: [StreamKey], group: String, by name: String) throws(RedisError) -> Int {
        let key = RedisArgument.key(ControlKeys(group: group).paused)
        let note = PauseNote(by: name, at: try serverMilliseconds()).text
        var commands = CommandBuffer()
        for stream in streams { commands.append("HSETNX", key, .key(stream), .text(note)) }
        var count = 0
        for reply in try pipeline(commands) { count += try reply.checked().integer(of: "HSETNX") }
        return count
    }

    /// Lets workers read these streams again.
    /// - Returns: how many were paused.
    @discardableResult
    public func resume(_ streams: [StreamKey], group: String) throws(RedisError) -> Int {
        guard !streams.isEmpty else { return 0 }
        return try command(["HDEL", .key(ControlKeys(group: group).paused)] + streams.map { .key($0) })
            .integer(of: "HDEL")
    }
}
