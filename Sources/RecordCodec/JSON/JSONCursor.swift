import Records

/// Walks over JSON text (RFC 8259) without building anything. Total: it stops with a reason, never with a trap.
///
/// Strict where the server is: control characters, lone surrogate escapes, bad UTF-8 and trailing text are refused,
/// and so are numbers that `jsonb` could not hold.
struct JSONCursor: ~Escapable {
    let text: ByteText
    var index: Int
    /// A `\u0000` was passed, which no text of the server can hold.
    var hasNulEscape = false

    @_lifetime(copy text)
    init(_ text: ByteText, at index: Int = 0) {
        self.text = text
        self.index = index
    }

    var isAtEnd: Bool { index >= text.count }

    /// The byte at the cursor, or 0 at the end.
    @inline(__always)
    var byte: UInt8 { index < text.count ? text[index] : 0 }

    @_lifetime(self: copy self)
    @inline(__always)
    mutating func skipBlanks() {
        while index < text.count {
            let byte = text[index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            index &+= 1
        }
    }

    /// Passes one character; `false` when something else stands there.
    @_lifetime(self: copy self)
    @inline(__always)
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        index &+= 1
        return true
    }

    // MARK: Strings

    /// The inside of a string, between its quotes.
    struct StringPart {
        var lower = 0
        var upper = 0
        var hasEscape = false
    }

    /// Passes a string; the cursor stands on its first quote.
    @_lifetime(self: copy self)
    @inline(__always)
    mutating func string(_ part: inout StringPart) -> Rejection.Reason? {
        guard take("\"") else { return invalid }
        part = StringPart(lower: index)
        while true {
            skipPlain()
            guard index < text.count else { return .invalidJSON }
            let byte = text[index]
            if byte == UInt8(ascii: "\"") {
                part.upper = index
                index &+= 1
                return nil
            }
            if byte == UInt8(ascii: "\\") { part.hasEscape = true }
            if let reason = special(byte) { return reason }
        }
    }

    /// Passes bytes that mean only themselves, eight at a time.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func skipPlain() {
        while index < text.count {
            let word = text.load8(index)
            let ones: UInt64 = 0x0101_0101_0101_0101
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            let stops =
                ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes)
                | ((word &- (ones &* 0x20)) & ~word) | word
            let marks = stops & 0x8080_8080_8080_8080
            if marks == 0 {
                index &+= 8
                continue
            }
            index = min(index &+ marks.trailingZeroBitCount &>> 3, text.count)
            return
        }
        index = text.count
    }

    /// Passes an escape or a character beyond ASCII; refuses a control character.
    @_lifetime(self: copy self)
    private mutating func special(_ byte: UInt8) -> Rejection.Reason? {
        if byte == UInt8(ascii: "\\") { return escape() }
        if byte >= 0x80 {
            let length = UTF8Check.sequence(text, at: index)
            index += length
            return length == 0 ? .invalidUTF8 : nil
        }
        return byte == 0 ? .nulByte : .invalidJSON
    }

    @_lifetime(self: copy self)
    private mutating func escape() -> Rejection.Reason? {
        var scalar: UInt32 = 0
        return escape(&scalar) ? nil : .invalidJSON
    }

    /// Passes an escape, surrogate pairs as one, and gives the character it stands for.
    @_lifetime(self: copy self)
    mutating func escape(_ scalar: inout UInt32) -> Bool {
        index += 1
        guard index < text.count else { return false }
        let letter = text[index]
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = UInt32(letter)
        case UInt8(ascii: "b"): scalar = 0x08
        case UInt8(ascii: "f"): scalar = 0x0C
        case UInt8(ascii: "n"): scalar = 0x0A
        case UInt8(ascii: "r"): scalar = 0x0D
        case UInt8(ascii: "t"): scalar = 0x09
        case UInt8(ascii: "u"): return unicodeEscape(&scalar)
        default: return false
        }
        return true
    }

    @_lifetime(self: copy self)
    private mutating func unicodeEscape(_ scalar: inout UInt32) -> Bool {
        guard let first = hex4() else { return false }
        scalar = first
        if first == 0 { hasNulEscape = true }
        if first >= 0xDC00, first <= 0xDFFF { return false }
        guard first >= 0xD800, first <= 0xDBFF else { return true }
        guard take("\\"), take("u"), let second = hex4(), second >= 0xDC00, second <= 0xDFFF else { return false }
        scalar = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        return true
    }

    @_lifetime(self: copy self)
    private mutating func hex4() -> UInt32? {
        guard index + 4 <= text.count else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Hex.digit(text[index]) else { return nil }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: Numbers and words

    /// Passes a number by JSON's grammar: no leading zeros, digits on both sides of the point.
    @_lifetime(self: copy self)
    @inline(__always)
    mutating func number() -> Rejection.Reason? {
        let start = index
        if byte == UInt8(ascii: "-") { index &+= 1 }
        let isZero = byte == UInt8(ascii: "0")
        let whole = skipDigits()
        guard whole > 0, !isZero || whole == 1 else { return invalid }
        var decimals = 0
        if byte == UInt8(ascii: ".") {
            index &+= 1
            decimals = skipDigits()
            guard decimals > 0 else { return invalid }
        }
        if byte | 0x20 == UInt8(ascii: "e") { return exponent(whole, decimals, start) }
        return whole > 131_072 || decimals > 16_383 ? .outOfRange : nil
    }

    /// Passes the exponent of a number, and checks that the server's numbers reach that far.
    @_lifetime(self: copy self)
    private mutating func exponent(_ whole: Int, _ decimals: Int, _ start: Int) -> Rejection.Reason? {
        index += 1
        let isDown = byte == UInt8(ascii: "-")
        if isDown || byte == UInt8(ascii: "+") { index += 1 }
        var value = 0
        let first = index
        while index < text.count, Digits.isDigit(text[index]) {
            value = min(value * 10 + Int(text[index] - UInt8(ascii: "0")), 1_000_000)
            index += 1
        }
        guard index > first else { return invalid }
        let shift = isDown ? -value : value
        return whole + shift > 131_072 || decimals - shift > 16_383 ? .outOfRange : nil
    }

    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func skipDigits() -> Int {
        let start = index
        while index < text.count {
            let run = Digits.run(text.load8(index))
            index = min(index &+ run, text.count)
            if run < 8 { break }
        }
        return index &- start
    }

    @_lifetime(self: copy self)
    private mutating func word(_ word: StaticString) -> Rejection.Reason? {
        let length = word.utf8CodeUnitCount
        guard index + length <= text.count else { return .invalidJSON }
        let matches = word.withUTF8Buffer { letters in
            for offset in 0..<length where text[index + offset] != letters[offset] { return false }
            return true
        }
        index += length
        return matches ? nil : .invalidJSON
    }

    /// What is wrong with the byte at the cursor.
    private var invalid: Rejection.Reason { !isAtEnd && byte == 0 ? .nulByte : .invalidJSON }

    // MARK: Values

    /// Passes a string, number or word.
    @_lifetime(self: copy self)
    @inline(__always)
    mutating func scalar() -> Rejection.Reason? {
        switch byte {
        case UInt8(ascii: "\""):
            var part = StringPart()
            return string(&part)
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }
}
