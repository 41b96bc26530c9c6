import Records
import RedisWire

/// An entry for people to look at: long values are cut.
struct EntryPreview: Encodable {
    static let limitBytes = 4096

    struct Field: Encodable {
        var name: String
        var value: String
        var valueBytes: Int
        var isCut: Bool

        private enum CodingKeys: String, CodingKey {
            case name, value
            case valueBytes = "value_bytes"
            case isCut = "cut"
        }
    }

    var id: String
    var fields: [Field]

    /// The newest entries of a stream, newest first.
    static func newest(
        _ count: Int, of stream: StreamKey, on connection: RedisConnection
    ) throws(RedisError) -> [EntryPreview] {
        guard count > 0 else { return [] }
        let reply = try connection.command("XREVRANGE", .key(stream), "+", "-", "COUNT", .integer(count))
        return (reply.array ?? []).compactMap(EntryPreview.init)
    }

    init?(_ reply: RedisValue) {
        guard let parts = reply.array, parts.count == 2, let id = parts[0].text, let values = parts[1].array else {
            return nil
        }
        self.id = id
        fields = stride(from: 0, to: values.count - 1, by: 2).map { index in
            let value = values[index + 1].bytes ?? []
            return Field(
                name: Self.text(values[index].bytes ?? []), value: Self.text(value), valueBytes: value.count,
                isCut: value.count > Self.limitBytes)
        }
    }

    static func text(_ bytes: [UInt8]) -> String {
        guard bytes.count > limitBytes else {
            return String(validating: bytes, as: UTF8.self) ?? SafeText.escape(bytes)
        }
        // Not in the middle of a character, which would look like bytes that are not UTF-8.
        var cut = bytes.prefix(limitBytes)
        while let last = cut.last, last >= 0x80, bytes[cut.endIndex] & 0xC0 == 0x80 { cut.removeLast() }
        return String(validating: cut, as: UTF8.self) ?? SafeText.escape(Array(cut))
    }
}
