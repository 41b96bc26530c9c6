public import Records
public import RedisWire

/// How far the audit of a source is.
public struct AuditNote: Equatable, Sendable {
    /// Every entry up to here is covered by the ledger, but for those counted in `missing`.
    public var upTo: StreamID
    /// Entries that were found neither covered nor pending.
    public var missing: Int

    public init(upTo: StreamID, missing: Int) {
        self.upTo = upTo
        self.missing = missing
    }

    init?(_ value: [UInt8]) {
        let parts = String(decoding: value, as: UTF8.self).split(separator: " ")
        guard parts.count == 2, let id = StreamID(parts[0]),
            let missing = RedisValue.simple(String(parts[1])).figure
        else { return nil }
        self.init(upTo: id, missing: missing)
    }

    var text: String { "\(upTo) \(missing)" }
}

/// What the housekeepers of a group note for each other. None of it is needed for a guarantee.
extension RedisConnection {
    public func auditNotes(group: String) throws(RedisError) -> [SourceNumber: AuditNote] {
        var notes: [SourceNumber: AuditNote] = [:]
        for (name, value) in try hash(ControlKeys(group: group).audited) {
            guard let source = Int32(String(decoding: name, as: UTF8.self)), let note = AuditNote(value) else {
                continue
            }
            notes[SourceNumber(rawValue: source)] = note
        }
        return notes
    }

    public func noteAudit(_ note: AuditNote, of source: SourceNumber, group: String) throws(RedisError) {
        try command(
            "HSET", .key(ControlKeys(group: group).audited), .integer(Int(source.rawValue)), .text(note.text))
    }

    /// How many entries of each source were counted as trimmed before they were read.
    public func trimmedUnread(group: String) throws(RedisError) -> [SourceNumber: Int] {
        var counts: [SourceNumber: Int] = [:]
        for (name, value) in try hash(ControlKeys(group: group).trimmedUnread) {
            guard let source = Int32(String(decoding: name, as: UTF8.self)) else { continue }
            counts[SourceNumber(rawValue: source)] = RedisValue.bulk(value).figure
        }
        return counts
    }

    public func noteTrimmedUnread(_ count: Int, of source: SourceNumber, group: String) throws(RedisError) {
        try command(
            "HSET", .key(ControlKeys(group: group).trimmedUnread), .integer(Int(source.rawValue)), .integer(count))
    }

    /// Forgets what was noted about sources: the database is another one, and their numbers may mean other streams.
    public func forgetUpkeep(group: String) throws(RedisError) {
        let keys = ControlKeys(group: group)
        try command("DEL", .key(keys.audited), .key(keys.trimmedUnread))
    }

    // MARK: Trimming under guard

    /// Removes entries below `id`, unless the epoch token has changed since ``watchEpoch(group:)``.
    /// - Returns: how many went; `nil` when the token has changed. The watch is over either way.
    public func trimWatched(
        _ stream: StreamKey, below id: StreamID, approximately: Bool = true, limit: Int
    ) throws(RedisError) -> Int? {
        var commands = CommandBuffer()
        commands.append("MULTI")
        var trim: [RedisArgument] = ["XTRIM", .key(stream), "MINID", approximately ? "~" : "=", .id(id)]
        if approximately { trim += ["LIMIT", .integer(limit)] }
        commands.append(trim)
        commands.append("EXEC")
        let replies = try pipeline(commands)
        for reply in replies { _ = try reply.checked() }
        guard let results = replies[2].array else { return nil }
        return try (results.first ?? .null).checked().integer(of: "XTRIM")
    }

    /// Watches the epoch token and reads it.
    public func watchEpoch(group: String) throws(RedisError) -> [UInt8]? {
        let key = RedisArgument.key(ControlKeys(group: group).epoch)
        var commands = CommandBuffer()
        commands.append("WATCH", key)
        commands.append("GET", key)
        let replies = try pipeline(commands)
        _ = try replies[0].checked()
        return try replies[1].checked().bytes
    }
}
