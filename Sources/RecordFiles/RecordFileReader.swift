/// Reads the records of a file, or of standard input, one after the other.
///
/// Gzip is recognised by its first bytes. Memory is bounded by the longest record. Reading blocks; use it from one
/// task at a time.
public final class RecordFileReader {
    /// The longest record by default, in bytes.
    public static let standardRecordLimit = 80 << 20

    public let name: String
    public let format: RecordFormat
    private var lines: LineReader
    private var header: [[UInt8]]?

    /// Opens a file; `-` is standard input.
    /// - Throws: when the file cannot be opened.
    public convenience init(
        path: String, format: RecordFormat, recordLimitBytes: Int = standardRecordLimit
    ) throws(RecordFileError) {
        if path == "-" {
            self.init(FileBytes(borrowing: 0), "standard input", format, recordLimitBytes)
        } else {
            self.init(try FileBytes(path: path), path, format, recordLimitBytes)
        }
    }

    /// Reads from an open descriptor, which stays open.
    public convenience init(
        descriptor: Int32, name: String, format: RecordFormat, recordLimitBytes: Int = standardRecordLimit
    ) {
        self.init(FileBytes(borrowing: descriptor), name, format, recordLimitBytes)
    }

    private init(_ bytes: consuming FileBytes, _ name: String, _ format: RecordFormat, _ limit: Int) {
        self.name = name
        self.format = format
        lines = LineReader(InflatingBytes(bytes), limit: limit)
    }

    /// The next record, `nil` at the end. Empty lines are skipped.
    /// - Throws: at the first record that cannot be read; the file name and the line are in the error.
    public func next() throws(RecordFileError) -> FileRecord? {
        var line = 0
        do throws(ReadFailure) {
            switch format {
            case .csv:
                return try nextCSV(&line)
            case .ndjson:
                guard let bytes = try nextLine(&line) else { return nil }
                return FileRecord(fields: try ObjectRecord.fields(of: bytes), line: line)
            case .entries:
                guard let bytes = try nextLine(&line) else { return nil }
                return try EntryRecord.record(bytes, line: line)
            }
        } catch {
            throw RecordFileError(file: name, line: lines.number == 0 ? nil : lines.number, message: error.message)
        }
    }

    private func nextLine(_ number: inout Int) throws(ReadFailure) -> [UInt8]? {
        while let line = try lines.next() {
            number = lines.number
            if line.contains(where: { !JSONScanner.isSpace($0) }) { return line }
        }
        return nil
    }

    private func nextCSV(_ line: inout Int) throws(ReadFailure) -> FileRecord? {
        if header == nil {
            guard let cells = try CSVRecord.next(&lines, &line) else { return nil }
            let names = cells.map(\.bytes)
            guard names.allSatisfy({ !$0.isEmpty }) else { throw ReadFailure("the header has an empty name") }
            header = names
        }
        guard let header, let cells = try CSVRecord.next(&lines, &line) else { return nil }
        guard cells.count == header.count else {
            throw ReadFailure("\(cells.count) values, but the header has \(header.count) names")
        }
        let fields = zip(header, cells).compactMap { name, cell in
            // As in psql: nothing between two commas is no value, "" is an empty one.
            cell.bytes.isEmpty && !cell.isQuoted ? nil : FileRecord.Field(name: name, value: cell.bytes)
        }
        return FileRecord(fields: fields, line: line)
    }
}

/// What went wrong, before the file and the line are known.
struct ReadFailure: Error, Equatable {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}
