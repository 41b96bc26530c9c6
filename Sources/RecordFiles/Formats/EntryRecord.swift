import Records

/// A line of ``RecordFormat/entries``.
enum EntryRecord {
    static func record(_ line: [UInt8], line number: Int) throws(ReadFailure) -> FileRecord {
        var scanner = try JSONScanner(line)
        var record = FileRecord(fields: [], line: number)
        var hasFields = false
        try scanner.object { scanner, name throws(ReadFailure) in
            switch String(decoding: name, as: UTF8.self) {
            case "stream": record.stream = StreamKey(bytes: try text(&scanner))
            case "id": record.id = try id(&scanner)
            case "fields":
                record.fields = try pairs(&scanner)
                hasFields = true
            default: _ = try scanner.fieldText()
            }
        }
        try scanner.expectEnd()
        guard hasFields else { throw ReadFailure("\"fields\" is missing") }
        return record
    }

    private static func id(_ scanner: inout JSONScanner) throws(ReadFailure) -> StreamID? {
        guard let bytes = try scanner.fieldText() else { return nil }
        guard let id = StreamID(ascii: bytes.span) else { throw scanner.failure("\"id\" is not a stream id") }
        return id
    }

    private static func pairs(_ scanner: inout JSONScanner) throws(ReadFailure) -> [FileRecord.Field] {
        var fields: [FileRecord.Field] = []
        try scanner.array { scanner throws(ReadFailure) in
            try scanner.expect("[")
            let name = try text(&scanner)
            try scanner.expect(",")
            let value = try text(&scanner)
            try scanner.expect("]")
            fields.append(FileRecord.Field(name: name, value: value))
        }
        return fields
    }

    /// A string or a number; `{"hex": "00ff"}` for bytes that JSON cannot hold.
    private static func text(_ scanner: inout JSONScanner) throws(ReadFailure) -> [UInt8] {
        guard scanner.peek() == UInt8(ascii: "{") else {
            guard let text = try scanner.fieldText() else { throw scanner.failure("null where a text belongs") }
            return text
        }
        var bytes: [UInt8]?
        try scanner.object { scanner, name throws(ReadFailure) in
            let digits = try scanner.fieldText() ?? []
            guard name == Array("hex".utf8), let decoded = decodeHex(digits) else {
                throw scanner.failure("an object other than {\"hex\": \"…\"}")
            }
            bytes = decoded
        }
        guard let bytes else { throw scanner.failure("an object other than {\"hex\": \"…\"}") }
        return bytes
    }

    private static func decodeHex(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Character(Unicode.Scalar(digits[index])).hexDigitValue,
                let low = Character(Unicode.Scalar(digits[index + 1])).hexDigitValue
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
