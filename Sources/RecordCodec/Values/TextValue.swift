import Records

/// Text: UTF-8 without NUL bytes, as the server would check it again.
enum TextValue {
    static let unlimited = Int32.max

    /// Writes the text; its length is counted in characters (code points) when `maxCharacters` may be exceeded.
    static func encode(
        _ text: ByteText, maxCharacters: Int32 = unlimited, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        if !isPlainASCII(text), let reason = UTF8Check.reason(text) { return reason }
        if text.count > Int(maxCharacters), UTF8Check.characters(text) > Int(maxCharacters) { return .tooLong }
        out.appendField(text)
        return nil
    }

    /// Whether all bytes are 1 to 127.
    @inline(__always)
    private static func isPlainASCII(_ text: ByteText) -> Bool {
        if text.count > 16 { return isLongASCII(text) }
        if text.count >= 8 {
            // The last eight bytes overlap the first, or meet them.
            return (suspects(text.load8(0)) | suspects(text.load8(text.count &- 8))) == 0
        }
        let mask = ByteText.mask(text.count)
        // Bytes behind the end count as a harmless letter.
        return suspects((text.load8(0) & mask) | (0x6161_6161_6161_6161 & ~mask)) == 0
    }

    private static func isLongASCII(_ text: ByteText) -> Bool {
        var index = 0
        while index < text.count &- 8 {
            if suspects(text.load8(index)) != 0 { return false }
            index &+= 8
        }
        return suspects(text.load8(text.count &- 8)) == 0
    }

    /// Not zero when a byte is 0 or above 127; exact about "none", which is all that is asked.
    @inline(__always)
    private static func suspects(_ word: UInt64) -> UInt64 {
        (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080
    }
}

/// UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF; and no NUL.
enum UTF8Check {
    static func reason(_ text: ByteText) -> Rejection.Reason? {
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == 0 { return .nulByte }
            if byte < 0x80 {
                index += 1
                continue
            }
            let length = sequence(text, at: index)
            if length == 0 { return .invalidUTF8 }
            index += length
        }
        return nil
    }

    /// The length of the well-formed sequence of two to four bytes at `index`, or 0. (Unicode, table 3-7.)
    static func sequence(_ text: ByteText, at index: Int) -> Int {
        let lead = text[index]
        let left = text.count - index
        switch lead {
        case 0xC2...0xDF:
            return left >= 2 && isContinuation(text[index + 1]) ? 2 : 0
        case 0xE0...0xEF:
            guard left >= 3, isContinuation(text[index + 2]) else { return 0 }
            let lower: UInt8 = lead == 0xE0 ? 0xA0 : 0x80
            let upper: UInt8 = lead == 0xED ? 0x9F : 0xBF
            return text[index + 1] >= lower && text[index + 1] <= upper ? 3 : 0
        case 0xF0...0xF4:
            guard left >= 4, isContinuation(text[index + 2]), isContinuation(text[index + 3]) else { return 0 }
            let lower: UInt8 = lead == 0xF0 ? 0x90 : 0x80
            let upper: UInt8 = lead == 0xF4 ? 0x8F : 0xBF
            return text[index + 1] >= lower && text[index + 1] <= upper ? 4 : 0
        default:
            return 0
        }
    }

    /// How many code points valid UTF-8 has.
    static func characters(_ text: ByteText) -> Int {
        var count = 0
        for index in 0..<text.count where !isContinuation(text[index]) { count += 1 }
        return count
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
