/// The id of a stream entry: `<milliseconds>-<sequence>`, ordered as Redis orders it.
///
/// Both parts use all 64 bits, because producers may choose ids themselves. The milliseconds of an id that Redis
/// made are the moment the entry was enqueued.
public struct StreamID: Hashable, BitwiseCopyable, Sendable {
    public let milliseconds: UInt64
    public let sequence: UInt64

    @inlinable
    public init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    public static let min = StreamID(milliseconds: 0, sequence: 0)
    public static let max = StreamID(milliseconds: .max, sequence: .max)

    /// The next id that can exist, or `nil` after the largest.
    public var successor: StreamID? {
        if sequence < .max { return StreamID(milliseconds: milliseconds, sequence: sequence + 1) }
        if milliseconds < .max { return StreamID(milliseconds: milliseconds + 1, sequence: 0) }
        return nil
    }

    /// The id just before this one, or `nil` before `0-0`.
    public var predecessor: StreamID? {
        if sequence > 0 { return StreamID(milliseconds: milliseconds, sequence: sequence - 1) }
        if milliseconds > 0 { return StreamID(milliseconds: milliseconds - 1, sequence: .max) }
        return nil
    }
}

extension StreamID: Comparable {
    @inlinable
    public static func < (lhs: StreamID, rhs: StreamID) -> Bool {
        lhs.milliseconds != rhs.milliseconds
            ? lhs.milliseconds < rhs.milliseconds : lhs.sequence < rhs.sequence
    }
}

// MARK: - As Redis writes it

extension StreamID: CustomStringConvertible {
    public var description: String { "\(milliseconds)-\(sequence)" }

    /// Reads `ms-seq` or, as Redis allows in commands, `ms` alone (sequence 0). `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8).span)
    }

    /// Reads `ms-seq` or `ms` from ASCII bytes. `nil` for anything else, overflow included.
    public init?(ascii bytes: Span<UInt8>) {
        var part: UInt64 = 0
        var milliseconds: UInt64?
        var digits = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == UInt8(ascii: "-"), milliseconds == nil, digits > 0 {
                milliseconds = part
                part = 0
                digits = 0
                continue
            }
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            let (product, overflow) = part.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte &- UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            part = sum
            digits += 1
        }
        guard digits > 0 else { return nil }
        if let milliseconds {
            self.init(milliseconds: milliseconds, sequence: part)
        } else {
            self.init(milliseconds: part, sequence: 0)
        }
    }

    /// Appends `ms-seq` in ASCII.
    public func append(to bytes: inout [UInt8]) {
        Self.appendDecimal(milliseconds, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.appendDecimal(sequence, to: &bytes)
    }

    private static func appendDecimal(_ value: UInt64, to bytes: inout [UInt8]) {
        let start = bytes.count
        var rest = value
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}

// MARK: - As PostgreSQL keeps it

extension StreamID {
    /// 32 hexadecimal digits: the id as a `uuid` whose byte order is the order of ids.
    public var uuidHex: String {
        Self.hex(milliseconds) + Self.hex(sequence)
    }

    /// Reads the text of a `uuid`, with or without dashes.
    public init?(uuid text: some StringProtocol) {
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        var count = 0
        for character in text.utf8 where character != UInt8(ascii: "-") {
            guard let digit = Self.digit(character) else { return nil }
            halves = (halves.high << 4 | halves.low >> 60, halves.low << 4 | digit)
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(milliseconds: halves.high, sequence: halves.low)
    }

    private static func digit(_ character: UInt8) -> UInt64? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(character - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(character - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
