/// Makes text of records, servers and people harmless for terminals and logs.
public enum Sanitizer {
    /// Escapes what moves a cursor, starts a line or turns the direction of writing: C0 and C1 controls, DEL,
    /// line and paragraph separators, bidirectional controls, zero-width characters. They appear as `\n`, `\t`,
    /// `\r` or `\u{…}`, and a backslash stays.
    /// - Parameter limit: characters that are kept; `…` stands for the rest.
    public static func sanitize(_ text: String, limit: Int = 4096) -> String {
        let isShort = text.utf8.count <= limit
        if isShort, text.unicodeScalars.allSatisfy({ !isDangerous($0) }) { return text }
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit { return result + "…" }
            count += 1
            if isDangerous(scalar) {
                result += escape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
}
