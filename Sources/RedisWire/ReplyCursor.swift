/// Reads RESP2's elements from bytes of which the last may not have arrived yet.
///
/// Every reader returns `nil`, and leaves the position alone, when the element is not there to its end. It never reads
/// behind `bytes`, and no length in a reply makes it trap.
struct ReplyCursor: ~Escapable {
    let bytes: Span<UInt8>
    var position: Int
    /// What to add to a position for its place in the reply, in errors.
    let shift: Int

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, at position: Int, shift: Int = 0) {
        self.bytes = bytes
        self.position = position
        self.shift = shift
    }

    /// The longest header line: a type, 19 digits with a sign, a line end.
    private static var headerBytes: Int { 23 }

    func violation(_ reason: String) -> ProtocolViolation {
        ProtocolViolation(reason, offset: position + shift)
    }

    /// The next byte, which tells the type.
    var type: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// A line such as `*3\r\n`: its number. `kind` has been looked at already.
    @_lifetime(self: copy self)
    mutating func number() throws(ProtocolViolation) -> Int64? {
        var index = position + 1
        let isNegative = index < bytes.count && bytes[index] == Ascii.minus
        if isNegative { index += 1 }
        let first = index
        var value: Int64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- Ascii.zero
            if digit > 9 { break }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            // Towards the sign, so that the smallest number fits too.
            let (sum, carry) = product.addingReportingOverflow(isNegative ? -Int64(digit) : Int64(digit))
            guard !overflow, !carry, index - position < Self.headerBytes else {
                throw violation("a number out of range")
            }
            value = sum
            index += 1
        }
        guard index < bytes.count else { return nil }
        guard index > first, bytes[index] == Ascii.carriageReturn else { throw violation("not a number") }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index + 1] == Ascii.lineFeed else { throw violation("a line end without line feed") }
        position = index + 2
        return value
    }

    /// `*n`: how many elements; -1 for nil.
    @_lifetime(self: copy self)
    mutating func arrayHeader(_ limits: ReplyLimits) throws(ProtocolViolation) -> Int? {
        try arrayHeader(atMost: limits.elements)
    }

    /// Redis' own maximum: for arrays whose elements are not kept.
    @_lifetime(self: copy self)
    mutating func longArrayHeader() throws(ProtocolViolation) -> Int? {
        try arrayHeader(atMost: Int(Int32.max))
    }

    @_lifetime(self: copy self)
    private mutating func arrayHeader(atMost most: Int) throws(ProtocolViolation) -> Int? {
        guard let type else { return nil }
        guard type == Ascii.array else { throw violation(Self.complaint(type, "an array")) }
        let start = position
        guard let number = try number() else { return nil }
        guard number >= -1, number <= most else {
            throw ProtocolViolation("an array of impossible length", offset: start + shift)
        }
        return Int(number)
    }

    /// `$n`: how many bytes follow; -1 for nil.
    @_lifetime(self: copy self)
    mutating func bulkHeader(_ limits: ReplyLimits) throws(ProtocolViolation) -> Int? {
        guard let type else { return nil }
        guard type == Ascii.bulk else { throw violation(Self.complaint(type, "a string")) }
        let start = position
        guard let number = try number() else { return nil }
        guard number >= -1, number <= limits.bulkBytes else {
            throw ProtocolViolation("a string of impossible length", offset: start + shift)
        }
        return Int(number)
    }

    /// A whole string that may not be nil: where its bytes lie.
    @_lifetime(self: copy self)
    mutating func bulk(_ limits: ReplyLimits) throws(ProtocolViolation) -> Range<Int>? {
        let start = position
        guard let length = try bulkHeader(limits) else { return nil }
        guard length >= 0 else { throw ProtocolViolation("nil where a string must be", offset: start + shift) }
        guard bytes.count - position >= length + 2 else {
            position = start
            return nil
        }
        let range = position..<(position + length)
        position = range.upperBound
        try lineEnd()
        return range
    }

    /// The two bytes behind a string. They are there.
    @_lifetime(self: copy self)
    mutating func lineEnd() throws(ProtocolViolation) {
        guard bytes[position] == Ascii.carriageReturn, bytes[position + 1] == Ascii.lineFeed else {
            throw violation("a string without its line end")
        }
        position += 2
    }

    /// The text of a status or error line.
    @_lifetime(self: copy self)
    mutating func line(_ limits: ReplyLimits) throws(ProtocolViolation) -> Range<Int>? {
        var index = position + 1
        while index < bytes.count, bytes[index] != Ascii.carriageReturn, bytes[index] != Ascii.lineFeed { index += 1 }
        guard index - position <= min(limits.replyBytes, 64 << 10) else { throw violation("an endless line") }
        guard index < bytes.count else { return nil }
        guard bytes[index] == Ascii.carriageReturn else { throw violation("a line end without carriage return") }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index + 1] == Ascii.lineFeed else { throw violation("a line end without line feed") }
        let range = (position + 1)..<index
        position = index + 2
        return range
    }

    static func complaint(_ type: UInt8, _ wanted: String) -> String {
        "_#,(!=%~>|".utf8.contains(type) ? "a RESP3 type" : "something else than \(wanted)"
    }
}

enum Ascii {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let zero = UInt8(ascii: "0")
    static let minus = UInt8(ascii: "-")
    static let array = UInt8(ascii: "*")
    static let bulk = UInt8(ascii: "$")
    static let integer = UInt8(ascii: ":")
    static let simple = UInt8(ascii: "+")
    static let error = UInt8(ascii: "-")
}
