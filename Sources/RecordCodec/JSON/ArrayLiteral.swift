/// Goes through the elements of PostgreSQL's `{a,"b c",NULL}`.
struct ArrayLiteral: ~Escapable {
    enum Part {
        /// The element's bytes, as offsets into the text.
        case plain(Int, Int)
        /// The same, with backslashes in it.
        case escaped(Int, Int)
        case null, end, broken
    }

    private let text: ByteText
    private var index: Int
    private var isFirst = true

    /// - Parameter start: the byte behind the opening brace.
    @_lifetime(copy text)
    init(_ text: ByteText, _ start: Int) {
        self.text = text
        index = start
    }

    /// Passes the next element, or the closing brace.
    @_lifetime(self: copy self)
    mutating func next() -> Part {
        skipBlanks()
        guard index < text.count else { return .broken }
        if text[index] == UInt8(ascii: "}") { return end() }
        if !isFirst {
            guard text[index] == UInt8(ascii: ",") else { return .broken }
            index += 1
            skipBlanks()
        }
        isFirst = false
        guard index < text.count else { return .broken }
        return text[index] == UInt8(ascii: "\"") ? quoted() : plain()
    }

    @_lifetime(self: copy self)
    private mutating func end() -> Part {
        index += 1
        skipBlanks()
        return index == text.count ? .end : .broken
    }

    @_lifetime(self: copy self)
    private mutating func skipBlanks() {
        while index < text.count, ArrayLiteral.isBlank(text[index]) { index += 1 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

    @_lifetime(self: copy self)
    private mutating func quoted() -> Part {
        index += 1
        let start = index
        var isEscaped = false
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return isEscaped ? .escaped(start, index - 1) : .plain(start, index - 1) }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                index += 1
            }
        }
        return .broken
    }

    /// Up to a comma or brace, blanks at the end left out.
    @_lifetime(self: copy self)
    private mutating func plain() -> Part {
        let start = index
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") { break }
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return .broken }
            index += 1
        }
        var end = index
        while end > start, ArrayLiteral.isBlank(text[end - 1]) { end -= 1 }
        guard end > start else { return .broken }
        return text.slice(start, end).isWord("null") ? .null : .plain(start, end)
    }
}

extension ScratchText {
    /// Appends `text`; of a backslash and the byte behind it, the byte.
    mutating func appendWithoutBackslashes(_ text: ByteText) {
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "\\") { index += 1 }
            append(text[index])
            index += 1
        }
    }
}
