/// The fields of a dead letter, taken apart and put together again.
public struct LetterFields: Equatable, Sendable {
    /// A name and its value; both are bytes.
    public struct Field: Equatable, Sendable {
        public var name: [UInt8]
        public var value: [UInt8]

        public init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// In the producer's order; names may repeat.
    public var fields: [Field]

    public init(_ fields: [Field]) {
        self.fields = fields
    }

    /// Reads RESP bytes (`*4\r\n$5\r\nprice\r\n…`); `nil` unless they are exactly one array of names and values.
    public init?(resp bytes: [UInt8]) {
        guard let slices = Self.slices(of: bytes) else { return nil }
        fields = stride(from: 0, to: slices.count, by: 2).map { index in
            Field(name: Array(bytes[slices[index]]), value: Array(bytes[slices[index + 1]]))
        }
    }

    /// Whether the bytes are what ``init(resp:)`` reads.
    public static func areWellFormed(_ bytes: [UInt8]) -> Bool { slices(of: bytes) != nil }

    /// The fields as Redis would send them.
    public var resp: [UInt8] {
        var bytes: [UInt8] = []
        Self.append(UInt8(ascii: "*"), fields.count * 2, to: &bytes)
        for field in fields {
            for text in [field.name, field.value] {
                Self.append(UInt8(ascii: "$"), text.count, to: &bytes)
                bytes += text
                bytes += [13, 10]
            }
        }
        return bytes
    }

    /// Gives the field this value, once: what else has the name goes. A name that is not there comes last.
    public mutating func set(_ name: [UInt8], to value: [UInt8]) {
        guard let index = fields.firstIndex(where: { $0.name == name }) else {
            return fields.append(Field(name: name, value: value))
        }
        fields[index].value = value
        var position = 0
        fields.removeAll { field in
            defer { position += 1 }
            return field.name == name && position != index
        }
    }

    /// Takes every field of the name away.
    public mutating func remove(_ name: [UInt8]) {
        fields.removeAll { $0.name == name }
    }

    // MARK: RESP

    private static func append(_ type: UInt8, _ number: Int, to bytes: inout [UInt8]) {
        bytes.append(type)
        bytes += String(number).utf8
        bytes += [13, 10]
    }

    private static func slices(of bytes: [UInt8]) -> [Range<Int>]? {
        var position = 0
        guard let count = number(after: UInt8(ascii: "*"), bytes, &position), count.isMultiple(of: 2) else {
            return nil
        }
        var slices: [Range<Int>] = []
        for _ in 0..<count {
            guard let length = number(after: UInt8(ascii: "$"), bytes, &position) else { return nil }
            let end = position + length
            guard end + 2 <= bytes.count, bytes[end] == 13, bytes[end + 1] == 10 else { return nil }
            slices.append(position..<end)
            position = end + 2
        }
        return position == bytes.count ? slices : nil
    }

    /// A type byte, at most ten digits, and the end of the line.
    private static func number(after type: UInt8, _ bytes: [UInt8], _ position: inout Int) -> Int? {
        guard position < bytes.count, bytes[position] == type else { return nil }
        var next = position + 1
        var value = 0
        while next < bytes.count, next <= position + 10, (48...57).contains(bytes[next]) {
            value = value * 10 + Int(bytes[next] - 48)
            next += 1
        }
        guard next > position + 1, next + 1 < bytes.count, bytes[next] == 13, bytes[next + 1] == 10 else { return nil }
        position = next + 2
        return value
    }
}
