/// A line of ``RecordFormat/ndjson``.
enum ObjectRecord {
    /// Members in order; null members are left out, as a field that has no value.
    static func fields(of line: [UInt8]) throws(ReadFailure) -> [FileRecord.Field] {
        var scanner = try JSONScanner(line)
        var fields: [FileRecord.Field] = []
        try scanner.object { scanner, name throws(ReadFailure) in
            guard let value = try scanner.fieldText() else { return }
            fields.append(FileRecord.Field(name: name, value: value))
        }
        try scanner.expectEnd()
        return fields
    }
}
