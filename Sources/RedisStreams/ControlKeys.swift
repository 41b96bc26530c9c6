public import Records

/// The keys under which a group's workers coordinate: `millrace:{<group>}:…`, all in one hash slot.
public struct ControlKeys: Equatable, Sendable {
    private let prefix: String

    public init(group: String) {
        prefix = "millrace:{\(group)}:"
    }

    /// Hash: consumer -> Redis time in milliseconds of its last heartbeat.
    public var workers: StreamKey { key("workers") }
    /// String: the token that everyone's sources were resolved with.
    public var epoch: StreamKey { key("epoch") }
    /// Hash: source number -> an acknowledged id of it, the highest that the last writer knew.
    public var acknowledged: StreamKey { key("acked") }
    /// Stream: the mirror of the dead letters.
    public var deadLetters: StreamKey { key("dead") }
    /// Hash: stream -> who paused it, and when.
    public var paused: StreamKey { key("paused") }
    /// Hash: source number -> how far the audit is.
    public var audited: StreamKey { key("audited") }
    /// Hash: source number -> entries that went before they were read, as far as they were counted.
    public var trimmedUnread: StreamKey { key("unread") }

    /// String with a lifetime: the lease of one worker slot.
    public func slot(worker: String, number: Int) -> StreamKey { key("slot:\(worker).\(number)") }

    private func key(_ name: String) -> StreamKey { StreamKey(prefix + name) }
}
