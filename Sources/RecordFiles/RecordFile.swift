public import Records

/// How records lie in a file.
public enum RecordFormat: String, CaseIterable, Sendable {
    /// One JSON object a line: its members are the fields.
    case ndjson
    /// Comma-separated values with a header (RFC 4180).
    case csv
    /// One `{"stream": …, "id": …, "fields": [[name, value], …]}` a line; `stream` and `id` may be missing.
    case entries

    /// By the file's name, `.gz` aside; `nil` when the name does not tell.
    public init?(path: String) {
        let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
        if name.hasSuffix(".csv") {
            self = .csv
        } else if name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") || name.hasSuffix(".json") {
            self = .ndjson
        } else {
            return nil
        }
    }
}

/// One record of a file: what becomes one stream entry.
public struct FileRecord: Equatable, Sendable {
    public struct Field: Equatable, Sendable {
        public var name: [UInt8]
        public var value: [UInt8]

        public init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// Only in ``RecordFormat/entries``.
    public var stream: StreamKey?
    /// Only in ``RecordFormat/entries``: the id it had where it was recorded.
    public var id: StreamID?
    /// In the file's order; names may repeat.
    public var fields: [Field]
    /// Where the record begins, from 1.
    public var line: Int

    public init(stream: StreamKey? = nil, id: StreamID? = nil, fields: [Field], line: Int) {
        self.stream = stream
        self.id = id
        self.fields = fields
        self.line = line
    }
}

/// Why a file could not be read further.
public struct RecordFileError: Error, Equatable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; `nil` when the file as a whole is to blame.
    public var line: Int?
    public var message: String

    /// Such as `trades.ndjson.gz:17: a string does not end`.
    public var description: String { "\(file):\(line.map { "\($0): " } ?? " ")\(message)" }
}
