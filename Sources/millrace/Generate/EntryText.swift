import MarketSimulator
import Records

/// Entries as lines of JSON. Every value is a string, exactly as it would be in Redis; what is not UTF-8 becomes
/// U+FFFD, because JSON has no way to say it.
enum EntryText {
    /// `{"time":"…","price":"…"}` and a newline.
    static func appendFields(_ entry: SimulatedEntry, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "{"))
        for pair in 0..<entry.pairCount {
            if pair > 0 { line.append(UInt8(ascii: ",")) }
            append(entry.name(pair), to: &line)
            line.append(UInt8(ascii: ":"))
            append(entry.value(pair), to: &line)
        }
        line.append(contentsOf: "}\n".utf8)
    }

    /// `{"stream":"…","fields":[["time","…"],…]}` and a newline.
    static func appendWithStream(_ entry: SimulatedEntry, stream: StreamKey, to line: inout [UInt8]) {
        line.append(contentsOf: #"{"stream":"#.utf8)
        append(stream.bytes.span, to: &line)
        line.append(contentsOf: #","fields":["#.utf8)
        for pair in 0..<entry.pairCount {
            line.append(contentsOf: (pair > 0 ? ",[" : "[").utf8)
            append(entry.name(pair), to: &line)
            line.append(UInt8(ascii: ","))
            append(entry.value(pair), to: &line)
            line.append(UInt8(ascii: "]"))
        }
        line.append(contentsOf: "]}\n".utf8)
    }

    /// A JSON string.
    static func append(_ bytes: Span<UInt8>, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        bytes.withUnsafeBufferPointer { bytes in
            if bytes.allSatisfy(isPlain) {
                line.append(contentsOf: bytes)
            } else {
                for byte in String(decoding: bytes, as: UTF8.self).utf8 { appendEscaped(byte, to: &line) }
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func appendEscaped(_ byte: UInt8, to line: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): line.append(contentsOf: [UInt8(ascii: "\\"), byte])
        case ..<0x20, 0x7F:
            line.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
            line.append(contentsOf: String(byte, radix: 16).utf8)
        default: line.append(byte)
        }
    }
}
