import Records

/// `uuid`: 32 hexadecimal digits, with an optional dash behind each group of four, in optional braces.
enum UUIDValue {
    static func encode(_ text: ByteText, into out: inout CopyBuffer) -> Rejection.Reason? {
        var body = text.slice(0, text.count)
        if text.count >= 2, text[0] == UInt8(ascii: "{"), text[text.count - 1] == UInt8(ascii: "}") {
            body = text.slice(1, text.count - 1)
        }
        out.append32(16)
        var index = 0
        for pair in 0..<16 {
            guard index + 2 <= body.count, let byte = Hex.byte(body[index], body[index + 1]) else {
                return .invalidUUID
            }
            out.append8(byte)
            index += 2
            if pair & 1 == 1, pair < 15, index < body.count, body[index] == UInt8(ascii: "-") { index += 1 }
        }
        return index == body.count ? nil : .invalidUUID
    }

    /// The id of an entry, as the ledger keeps it: big-endian milliseconds, then the sequence.
    @inline(__always)
    static func append(_ id: StreamID, _ out: inout CopyBuffer) {
        out.append32(16)
        out.append64(id.milliseconds)
        out.append64(id.sequence)
    }
}

/// `bytea`: `\x` and hexadecimal digits; any other bytes are taken as they are.
enum BytesValue {
    static func encode(_ text: ByteText, into out: inout CopyBuffer) -> Rejection.Reason? {
        guard text.count >= 2, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
            out.append32(Int32(truncatingIfNeeded: text.count))
            out.append(text)
            return nil
        }
        guard text.count & 1 == 0 else { return .invalidBytes }
        out.append32(Int32(truncatingIfNeeded: (text.count - 2) / 2))
        var index = 2
        while index < text.count {
            guard let byte = Hex.byte(text[index], text[index + 1]) else { return .invalidBytes }
            out.append8(byte)
            index += 2
        }
        return nil
    }
}

enum Hex {
    static func byte(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let upper = digit(high), let lower = digit(low) else { return nil }
        return upper << 4 | lower
    }

    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
