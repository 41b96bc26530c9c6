extension ScratchText {
    /// Appends the inside of a JSON string with its escapes resolved. The string must have been passed as valid.
    mutating func appendUnescaped(_ text: ByteText) {
        var cursor = JSONCursor(text)
        while !cursor.isAtEnd {
            if cursor.byte != UInt8(ascii: "\\") {
                append(cursor.byte)
                cursor.index += 1
                continue
            }
            var scalar: UInt32 = 0
            guard cursor.escape(&scalar) else { return }
            append(scalar: scalar)
        }
    }

    private mutating func append(scalar: UInt32) {
        switch scalar {
        case ..<0x80:
            append(UInt8(truncatingIfNeeded: scalar))
        case ..<0x800:
            append(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
            append(tail: scalar, 0)
        case ..<0x10000:
            append(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
            append(tail: scalar, 6)
            append(tail: scalar, 0)
        default:
            append(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18))
            append(tail: scalar, 12)
            append(tail: scalar, 6)
            append(tail: scalar, 0)
        }
    }

    private mutating func append(tail scalar: UInt32, _ shift: UInt32) {
        append(0x80 | UInt8(truncatingIfNeeded: scalar >> shift & 0x3F))
    }
}
