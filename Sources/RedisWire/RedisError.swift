/// What a Redis server answered instead of a result.
public struct ServerError: Error, Equatable, Hashable, Sendable {
    /// The first word, such as `NOGROUP`, `WRONGTYPE`, `BUSYGROUP`; `ERR` for most others. Servers and clones agree on
    /// it; they do not agree on the rest.
    public let code: String
    /// The whole line without the code. It may hold names of keys: for logs at debug level and for parsing, not for
    /// people who may not see data.
    public let message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Reads an error line, without its `-` and line end.
    public init(line: Span<UInt8>) {
        let text = String(decoding: line.withUnsafeBufferPointer { Array($0) }, as: UTF8.self)
        if let space = text.firstIndex(of: " ") {
            self.init(code: String(text[..<space]), message: String(text[text.index(after: space)...]))
        } else {
            self.init(code: text, message: "")
        }
    }

    /// The group, or the whole stream, is not there (any more).
    public var isMissingGroup: Bool { code == "NOGROUP" || code == "UNBLOCKED" }
    /// The key holds something else than the command is for.
    public var isWrongType: Bool { code == "WRONGTYPE" }
    /// The server does not know the command (or not this form of it).
    public var isUnknownCommand: Bool { code == "ERR" && message.hasPrefix("unknown command") }
}

extension ServerError: CustomStringConvertible {
    /// Bland: the code alone.
    public var description: String { "Redis answered \(code)" }
}

/// A reply that is not what the protocol, or our limits, allow.
public struct ProtocolViolation: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong; never the data.
    public let reason: String
    /// Where in the reply, in bytes from its first.
    public let offset: Int

    public init(_ reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason) at byte \(offset) of the reply" }
}

/// Why a call on a ``RedisConnection`` failed.
///
/// Only after `.server` is the connection still usable; after every other error it has been closed, because a late
/// reply would answer the next command. An entry that the lost reply delivered is in this consumer's pending list.
public enum RedisError: Error, Equatable, Sendable {
    /// No connection could be made: the C library's or the system's words.
    case connect(String)
    /// The deadline passed.
    case timeout(during: Phase)
    /// The server closed the connection, or it was closed here before.
    case closed
    /// The system's error code, such as `ECONNRESET`.
    case inputOutput(code: Int32)
    /// The server (or whatever answers there) does not speak RESP2 as we know it, or exceeds a limit.
    case protocolViolation(ProtocolViolation)
    /// The server refused this command; the connection goes on.
    case server(ServerError)

    public enum Phase: String, Sendable {
        case connect, send, reply
    }

    /// Whether the connection is gone, so that only a new one helps.
    public var isTransport: Bool {
        if case .server = self { false } else { true }
    }

    /// What the server answered, when it answered.
    public var serverError: ServerError? {
        if case .server(let error) = self { error } else { nil }
    }
}

extension RedisError: CustomStringConvertible {
    /// Without data of any record, so that it can be logged and shown.
    public var description: String {
        switch self {
        case .connect(let reason): "no connection to Redis: \(reason)"
        case .timeout(let phase): "Redis: time ran out (\(phase.rawValue))"
        case .closed: "the connection to Redis is closed"
        case .inputOutput(let code): "the connection to Redis broke (error \(code))"
        case .protocolViolation(let violation): "not a Redis reply: \(violation)"
        case .server(let error): error.description
        }
    }
}
