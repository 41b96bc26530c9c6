public import Records
public import RedisWire

/// The mark of one incarnation of a stream's group: a consumer named `epoch:<uuid>` inside the group. It dies with the
/// group and is replicated and persisted with it.
public struct IncarnationMarker: Hashable, Sendable {
    /// Lower case, with dashes, as PostgreSQL shows it.
    public let uuid: String

    private static let prefix = "epoch:"

    /// A new one, of version 4.
    public static func random() -> IncarnationMarker {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    public static func random(using generator: inout some RandomNumberGenerator) -> IncarnationMarker {
        let high = generator.next() & ~0xF000 | 0x4000
        let low = generator.next() & ~(0b11 << 62) | (0b10 << 62)
        let digits = [high, low].map { value in
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
        return IncarnationMarker(digits: digits)
    }

    /// Reads 32 hexadecimal digits, with or without dashes.
    public init?(uuid text: some StringProtocol) {
        let digits = text.lowercased().filter { $0 != "-" }
        guard digits.utf8.count == 32, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        self.init(digits: digits)
    }

    /// Reads the marker from a consumer's name; `nil` for any other consumer.
    public init?(consumerName name: String) {
        guard name.hasPrefix(Self.prefix) else { return nil }
        self.init(uuid: name.dropFirst(Self.prefix.count))
    }

    public var consumerName: String { Self.prefix + uuid }

    private init(digits: String) {
        var parts: [Substring] = []
        var rest = digits[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        uuid = parts.joined(separator: "-")
    }
}

extension RedisConnection {
    /// Creates the group at the stream's beginning, and the stream when it is not there.
    /// - Returns: whether it was created; `false` when it existed.
    /// - Throws: ``RedisError``; `.server` with `OOM` when the server is full.
    @discardableResult
    public func createGroup(_ group: String, of stream: StreamKey) throws(RedisError) -> Bool {
        do {
            try command("XGROUP", "CREATE", .key(stream), .text(group), "0", "MKSTREAM")
            return true
        } catch .server(let error) where error.code == "BUSYGROUP" {
            return false
        }
    }

    /// Lets an existing group read the stream from its beginning again.
    public func rewindGroup(_ group: String, of stream: StreamKey) throws(RedisError) {
        try command("XGROUP", "SETID", .key(stream), .text(group), "0")
    }

    /// - Returns: whether it was created; `false` when it existed.
    @discardableResult
    public func createConsumer(
        _ consumer: String, in group: String, of stream: StreamKey
    ) throws(RedisError) -> Bool {
        try command("XGROUP", "CREATECONSUMER", .key(stream), .text(group), .text(consumer))
            .integer(of: "XGROUP CREATECONSUMER") == 1
    }

    /// Puts a marker into the group.
    public func mark(_ marker: IncarnationMarker, in group: String, of stream: StreamKey) throws(RedisError) {
        try createConsumer(marker.consumerName, in: group, of: stream)
    }

    /// The group's markers: one, as a rule; two when two workers healed at once, and PostgreSQL says which counts.
    /// - Throws: ``RedisError``; `.server` with `NOGROUP` when the group is not there.
    public func markers(in group: String, of stream: StreamKey) throws(RedisError) -> [IncarnationMarker] {
        try consumers(of: stream, group: group).compactMap { IncarnationMarker(consumerName: $0.name) }
    }
}
