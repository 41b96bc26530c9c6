import Telemetry

/// Makes texts of others harmless: names of streams, consumers and fields are whatever a producer chose.
///
/// Control characters, line separators and invisible characters, which can reverse the direction of a line, appear as
/// escapes.
enum SafeText {
    static func escape(_ text: String) -> String { Sanitizer.sanitize(text, limit: .max) }

    /// Bytes that are UTF-8 as text; otherwise every byte that is not printable ASCII as `\xNN`.
    static func escape(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return escape(text) }
        return bytes.map { byte in
            (0x20..<0x7F).contains(byte) ? String(UnicodeScalar(byte)) : "\\x" + hex(UInt32(byte), digits: 2)
        }.joined()
    }

    /// The same characters as JSON writes them. They occur in JSON only inside strings.
    static func escapeJSON(_ json: String) -> String {
        guard json.unicodeScalars.contains(where: isUnsafe) else { return json }
        var result = ""
        for scalar in json.unicodeScalars {
            guard isUnsafe(scalar) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                result += "\\u" + hex(UInt32(unit), digits: 4)
            }
        }
        return result
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value < 0x20 }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: return true
        default: return false
        }
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
