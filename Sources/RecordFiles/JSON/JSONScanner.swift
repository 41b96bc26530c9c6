/// Reads JSON (RFC 8259) from bytes, without turning numbers into anything but their text.
///
/// It is total: any bytes are read or refused, nesting is limited, and nothing is recursive.
struct JSONScanner {
    static let maximumDepth = 64

    let bytes: [UInt8]
    private(set) var position = 0

    /// - Throws: when the bytes are not UTF-8.
    init(_ bytes: [UInt8]) throws(ReadFailure) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw ReadFailure("the line is not UTF-8") }
        self.bytes = bytes
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "{"), UInt8(ascii: "}"):
            true
        default: isSpace(byte)
        }
    }

    func failure(_ message: String) -> ReadFailure { ReadFailure("\(message) (byte \(position + 1))") }

    /// The next byte that is not a space, not consumed.
    mutating func peek() -> UInt8? {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
        return position < bytes.count ? bytes[position] : nil
    }

    /// Consumes `byte` when it comes next.
    mutating func skip(_ byte: Character) -> Bool {
        guard let next = peek(), next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: Character) throws(ReadFailure) {
        if !skip(byte) { throw failure("\"\(byte)\" is expected") }
    }

    mutating func expectEnd() throws(ReadFailure) {
        if peek() != nil { throw failure("something follows the value") }
    }

    /// Reads `{ name: value, … }`, calling `member` where each value begins.
    mutating func object(
        _ member: (inout JSONScanner, [UInt8]) throws(ReadFailure) -> Void
    ) throws(ReadFailure) {
        try expect("{")
        if skip("}") { return }
        repeat {
            guard peek() == UInt8(ascii: "\"") else { throw failure("a name in quotes is expected") }
            let name = try string()
            try expect(":")
            try member(&self, name)
        } while skip(",")
        try expect("}")
    }

    /// Reads `[ value, … ]`, calling `element` where each value begins.
    mutating func array(_ element: (inout JSONScanner) throws(ReadFailure) -> Void) throws(ReadFailure) {
        try expect("[")
        if skip("]") { return }
        repeat { try element(&self) } while skip(",")
        try expect("]")
    }

    /// Reads any value: the text that a field would hold. Strings are unescaped, numbers, `true` and `false` are as
    /// written, objects and arrays keep their JSON; `nil` for null.
    mutating func fieldText() throws(ReadFailure) -> [UInt8]? {
        switch peek() {
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return try compound()
        case nil: throw failure("a value is expected")
        default:
            let text = try literal()
            return text == Array("null".utf8) ? nil : text
        }
    }

    /// Reads an object or an array whole, checking it, and answers its text.
    private mutating func compound() throws(ReadFailure) -> [UInt8] {
        let start = position
        var checker = JSONNesting()
        repeat { try checker.step(&self) } while !checker.isComplete
        return Array(bytes[start..<position])
    }

    // MARK: Numbers and words

    /// `true`, `false`, `null`, or a number, as it is written.
    mutating func literal() throws(ReadFailure) -> [UInt8] {
        _ = peek()
        let start = position
        while position < bytes.count, !Self.isDelimiter(bytes[position]) { position += 1 }
        let text = bytes[start..<position]
        let words = ["true", "false", "null"]
        guard words.contains(where: { text.elementsEqual($0.utf8) }) || Self.isNumber(text) else {
            position = start
            throw failure("is neither a number, a string, true, false nor null")
        }
        return Array(text)
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            let run = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(run.count)
            return run
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let whole = digits(&rest)
        guard !whole.isEmpty, whole.count == 1 || whole.first != 0x30 else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            if digits(&rest).isEmpty { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            if digits(&rest).isEmpty { return false }
        }
        return rest.isEmpty
    }

    // MARK: Strings

    /// Reads a string, opening quote included, into UTF-8.
    mutating func string() throws(ReadFailure) -> [UInt8] {
        try expect("\"")
        var result: [UInt8] = []
        while position < bytes.count {
            let run = bytes[position...].prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
            result.append(contentsOf: run)
            position += run.count
            guard position < bytes.count else { break }
            let byte = bytes[position]
            if byte < 0x20 { throw failure("a control character must be escaped") }
            position += 1
            if byte == UInt8(ascii: "\"") { return result }
            try escape(into: &result)
        }
        throw failure("a string does not end")
    }

    private mutating func escape(into result: inout [UInt8]) throws(ReadFailure) {
        guard position < bytes.count else { throw failure("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"): try unicode(into: &result)
        default:
            position -= 1
            throw failure("an unknown escape")
        }
    }

    private mutating func unicode(into result: inout [UInt8]) throws(ReadFailure) {
        var code = try hexadecimal()
        if (0xD800...0xDBFF).contains(code) {
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw failure("half of a surrogate pair") }
            position += 2
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low) else { throw failure("half of a surrogate pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
        result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func hexadecimal() throws(ReadFailure) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("\\u needs four hexadecimal digits") }
        position += 4
        return code
    }
}
