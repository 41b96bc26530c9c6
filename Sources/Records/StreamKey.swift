/// The key of a stream. Keys are bytes: nothing promises that they are UTF-8.
public struct StreamKey: Hashable, Sendable {
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The key as text, or `nil` when it is not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }
}

extension StreamKey: Comparable {
    public static func < (lhs: StreamKey, rhs: StreamKey) -> Bool {
        lhs.bytes.lexicographicallyPrecedes(rhs.bytes)
    }
}

extension StreamKey: CustomStringConvertible {
    /// The key for people: control characters and bytes that are not UTF-8 appear as `\xNN`.
    public var description: String {
        if let text, !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) { return text }
        return bytes.map { byte in
            if (0x20..<0x7F).contains(byte) { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "\\x" + (digits.utf8.count == 1 ? "0" + digits : digits)
        }.joined()
    }
}
