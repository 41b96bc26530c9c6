public import Records
import RedisWire

/// XINFO STREAM. Servers from 6.2 to 8 differ in what they tell; what is not told is `nil`.
public struct StreamFacts: Equatable, Sendable {
    public var length: Int
    public var lastGeneratedID: StreamID
    /// How many groups read it.
    public var groups: Int
    /// Entries ever added (7.0 and later).
    public var entriesAdded: Int?
    /// 7.0 and later; trimming does not raise it.
    public var maxDeletedID: StreamID?
    /// The first entry that is left (7.0 and later, else from the first entry itself).
    public var recordedFirstID: StreamID?
    public var firstEntryID: StreamID?
    public var lastEntryID: StreamID?

    init(_ reply: RedisValue) throws(RedisError) {
        let fields = try ReplyFields(reply, of: "XINFO STREAM")
        guard let length = fields.integer("length"), let last = fields.id("last-generated-id") else {
            throw unexpected("XINFO STREAM")
        }
        self.length = length
        lastGeneratedID = last
        groups = fields.integer("groups") ?? 0
        entriesAdded = fields.figure("entries-added")
        maxDeletedID = fields.id("max-deleted-entry-id")
        firstEntryID = fields.entryID("first-entry")
        lastEntryID = fields.entryID("last-entry")
        recordedFirstID = fields.id("recorded-first-entry-id") ?? firstEntryID
    }
}

/// One group of XINFO GROUPS.
public struct GroupFacts: Equatable, Sendable {
    public var name: String
    public var consumers: Int
    public var pending: Int
    public var lastDeliveredID: StreamID
    /// `nil` before 7.0, and when the server no longer knows. After a restart it may be wrong.
    public var entriesRead: Int?
    /// A hint, never a gate: after trims and restarts it is `nil` or wrong.
    public var lag: Int?

    init(_ reply: RedisValue) throws(RedisError) {
        let fields = try ReplyFields(reply, of: "XINFO GROUPS")
        guard let name = fields.text("name"), let last = fields.id("last-delivered-id") else {
            throw unexpected("XINFO GROUPS")
        }
        self.name = name
        lastDeliveredID = last
        consumers = fields.integer("consumers") ?? 0
        pending = fields.integer("pending") ?? 0
        entriesRead = fields.figure("entries-read")
        lag = fields.integer("lag")
    }
}

/// One consumer of XINFO CONSUMERS.
public struct ConsumerFacts: Equatable, Sendable {
    /// Bytes that are not UTF-8 are replaced.
    public var name: String
    public var pending: Int
    /// Since it last asked for anything.
    public var idle: Duration?
    /// Since it last got anything (7.2 and later).
    public var inactive: Duration?

    init(_ reply: RedisValue) throws(RedisError) {
        let fields = try ReplyFields(reply, of: "XINFO CONSUMERS")
        guard let name = fields.text("name") else { throw unexpected("XINFO CONSUMERS") }
        self.name = name
        pending = fields.integer("pending") ?? 0
        idle = fields.integer("idle").map { .milliseconds($0) }
        // -1: never
        inactive = fields.integer("inactive").flatMap { $0 < 0 ? nil : .milliseconds($0) }
    }
}
