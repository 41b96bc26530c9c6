/// A reply as RESP2 has it.
public enum RedisValue: Equatable, Sendable {
    /// A status line, such as `OK`.
    case simple(String)
    case bulk([UInt8])
    case integer(Int64)
    case array([RedisValue])
    /// A missing string or a missing array; RESP2 has both and means the same.
    case null
    case error(ServerError)
}

extension RedisValue {
    /// The bytes of a string; `nil` for anything else.
    public var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes): bytes
        case .simple(let text): Array(text.utf8)
        case .integer, .array, .null, .error: nil
        }
    }

    /// A string as text (bytes that are not UTF-8 replaced); `nil` for anything else.
    public var text: String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A number, sent as such or as text; `nil` for anything else.
    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .bulk, .simple: text.flatMap { Int64($0) }
        case .array, .null, .error: nil
        }
    }

    public var array: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var isNull: Bool { self == .null }

    public var error: ServerError? {
        if case .error(let error) = self { error } else { nil }
    }
}

/// How much a reply may hold. A reply beyond a limit is a ``ProtocolViolation`` and closes the connection, except that
/// entries beyond ``keptBytes`` or ``elements`` are read past and marked `.skipped`.
public struct ReplyLimits: Equatable, Sendable {
    /// Elements of one array that is kept.
    public var elements: Int
    /// Bytes of one string (Redis itself allows 512 MiB).
    public var bulkBytes: Int
    /// Arrays within arrays.
    public var depth: Int
    /// Bytes of one ordinary reply.
    public var replyBytes: Int
    /// Bytes kept of one reply of entries; the same again at most for its keys.
    public var keptBytes: Int

    public init(
        elements: Int = 1_000_000, bulkBytes: Int = 512 << 20, depth: Int = 8, replyBytes: Int = 64 << 20,
        keptBytes: Int = 8 << 20
    ) {
        self.elements = elements
        self.bulkBytes = bulkBytes
        self.depth = depth
        self.replyBytes = replyBytes
        // Slices have 32-bit offsets; the buffer can be a few times as long as what is kept.
        self.keptBytes = min(max(keptBytes, 1_024), 256 << 20)
    }
}
