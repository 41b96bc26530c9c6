import Records
import RedisStreams
import RedisWire

/// One stream as one consumer group sees it.
struct StreamReport: Encodable {
    let key: StreamKey
    var exists = false
    var length = 0
    var entriesAdded: Int?
    var firstID: StreamID?
    var lastID: StreamID?
    var groups = 0
    var groupExists = false
    var lastDelivered: StreamID?
    /// Entries that the group has not been given yet; `nil` when nobody knows.
    var lag: Int?
    var pending = 0
    /// Since the oldest pending entry was enqueued; `nil` without pending entries, and when ids are not times.
    var oldestPending: Duration?
    /// Names, without the markers that Millrace itself keeps among them.
    var consumers: [String] = []
    /// Who keeps workers from reading it, and since when.
    var paused: PauseNote?
    /// Why there are no figures: the key is something else than a stream.
    var problem: String?

    /// - Parameters:
    ///   - now: the server's clock in milliseconds since 1970.
    ///   - paused: the group's paused streams.
    init(
        _ stream: StreamKey, group: String, now: Int, paused: [StreamKey: PauseNote] = [:],
        on connection: RedisConnection
    ) throws(RedisError) {
        key = stream
        self.paused = paused[stream]
        do throws(RedisError) {
            try read(group, now, connection)
        } catch .server(let error) where error.code == "WRONGTYPE" {
            problem = "not a stream"
        }
    }

    private mutating func read(_ group: String, _ now: Int, _ connection: RedisConnection) throws(RedisError) {
        guard let facts = try connection.streamFacts(of: key) else { return }
        exists = true
        length = facts.length
        entriesAdded = facts.entriesAdded
        firstID = facts.firstEntryID
        lastID = facts.lastGeneratedID
        groups = facts.groups
        guard let own = try connection.groups(of: key).first(where: { $0.name == group }) else {
            // A group that is made later begins at the first entry.
            lag = length
            return
        }
        groupExists = true
        lastDelivered = own.lastDeliveredID
        pending = own.pending
        lag = Self.lag(own, facts)
        consumers = try connection.consumers(of: key, group: group).map(\.name)
            .filter { IncarnationMarker(consumerName: $0) == nil }
        guard pending > 0, let lowest = try connection.pendingSummary(of: key, group: group).lowest else { return }
        if lowest.milliseconds <= UInt64(max(0, now)) {
            oldestPending = .milliseconds(now - Int(lowest.milliseconds))
        }
    }

    /// What the ids themselves prove counts more than the server's own figure, which is wrong or missing after
    /// deletions, trims and restarts.
    static func lag(_ group: GroupFacts, _ stream: StreamFacts) -> Int? {
        if stream.length == 0 || group.lastDeliveredID >= stream.lastGeneratedID { return 0 }
        if let last = stream.lastEntryID, group.lastDeliveredID >= last { return 0 }
        if let first = stream.firstEntryID, group.lastDeliveredID < first { return stream.length }
        return group.lag.map { min(max($0, 0), stream.length) }
    }

    /// For people: since when it is paused, and by whom.
    func pauseText(now: Int) -> String? {
        paused.map { "\(Figures.age(.milliseconds(max(0, now - $0.at)))) by \($0.by)" }
    }

    // MARK: JSON

    enum CodingKeys: String, CodingKey {
        case stream, exists, length, groups, lag, pending, consumers, problem, paused
        case pausedBy = "paused_by"
        case pausedAt = "paused_at_ms"
        case streamHex = "stream_hex"
        case entriesAdded = "entries_added"
        case firstID = "first_id"
        case lastID = "last_id"
        case groupExists = "group_exists"
        case lastDelivered = "last_delivered"
        case oldestPending = "oldest_pending_seconds"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let name = JSONName(key)
        try container.encode(name.text, forKey: .stream)
        try container.encodeIfPresent(name.hex, forKey: .streamHex)
        try container.encode(exists, forKey: .exists)
        try container.encode(length, forKey: .length)
        try container.encode(entriesAdded, forKey: .entriesAdded)
        try container.encode(firstID?.description, forKey: .firstID)
        try container.encode(lastID?.description, forKey: .lastID)
        try container.encode(groups, forKey: .groups)
        try container.encode(groupExists, forKey: .groupExists)
        try container.encode(lastDelivered?.description, forKey: .lastDelivered)
        try container.encode(lag, forKey: .lag)
        try container.encode(pending, forKey: .pending)
        try container.encode(oldestPending?.seconds, forKey: .oldestPending)
        try container.encode(consumers.count, forKey: .consumers)
        try container.encode(paused != nil, forKey: .paused)
        try container.encodeIfPresent(paused?.by, forKey: .pausedBy)
        try container.encodeIfPresent(paused?.at, forKey: .pausedAt)
        try container.encodeIfPresent(problem, forKey: .problem)
    }
}

/// A key in JSON: as text, and for a key that is not UTF-8 the bytes too.
struct JSONName {
    let text: String
    let hex: String?

    init(_ key: StreamKey) {
        text = key.text ?? SafeText.escape(key.bytes)
        hex = key.text == nil ? HexText.encode(key.bytes) : nil
    }
}
