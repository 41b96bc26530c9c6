import Records

@testable import RecordCodec

/// Builds a block of one stream from field lists.
func makeBlock(_ entries: [[(String, String)]], stream: String = "s") -> EntryBlock {
    makeBlock(raw: entries.map { entry in entry.map { (Array($0.0.utf8), Array($0.1.utf8)) } }, stream: stream)
}

func makeBlock(raw entries: [[([UInt8], [UInt8])]], stream: String = "s") -> EntryBlock {
    var block = EntryBlock()
    var bytes: [UInt8] = []
    block.beginStream(StreamKey(stream))
    for (index, fields) in entries.enumerated() {
        block.beginEntry(StreamID(milliseconds: 1_700_000_000_000, sequence: UInt64(index)))
        let start = bytes.count
        for (name, value) in fields {
            block.appendSlice(offset: bytes.count, length: name.count)
            bytes += name
            block.appendSlice(offset: bytes.count, length: value.count)
            bytes += value
        }
        block.endEntry(raw: .init(offset: start, length: bytes.count - start))
    }
    block.endStream()
    block.adopt(bytes: bytes + [UInt8](repeating: 0, count: EntryBlock.slack))
    return block
}

/// What encoding a block gave.
struct Encoded {
    var rows: [[[UInt8]?]]
    var rejected: [RejectedEntry]
    var end: Int
    var batch: TableRows
}

/// Encodes a whole block with one mapping of table `t`.
func encode(
    _ block: borrowing EntryBlock, _ mapping: StreamMapping, _ columns: [CatalogColumn], stream: String = "s",
    now: Int64 = 1_700_000_000_000_000, limits: CodecLimits = .standard
) throws -> Encoded {
    let plan = try RowPlan(mapping, columns: columns)
    var encoder = try StreamEncoder(plans: [plan], limits: limits)
    let batch = TableRows(for: plan)
    var rejected: [RejectedEntry] = []
    let end = encoder.encode(
        0..<block.count, of: block, stream: StreamKey(stream), now: now, into: [batch], rejected: &rejected)
    return Encoded(rows: batch.fields, rejected: rejected, end: end, batch: batch)
}

extension TableRows {
    /// The bytes of the whole COPY stream.
    var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The fields of every row, read back by walking the tuples; `nil` for NULL.
    var fields: [[[UInt8]?]] {
        rows.indices.map { row in
            withUnsafeBytes(ofRows: row..<(row + 1)) { CopyReader(Array($0)).row() }
        }
    }
}

/// Reads binary COPY tuples back.
struct CopyReader {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func row() -> [[UInt8]?] {
        var index = 2
        var fields: [[UInt8]?] = []
        for _ in 0..<(Int(bytes[0]) << 8 | Int(bytes[1])) {
            let length = Int32(truncatingIfNeeded: integer(bytes[index..<(index + 4)]))
            index += 4
            if length < 0 {
                fields.append(nil)
            } else {
                fields.append(Array(bytes[index..<(index + Int(length))]))
                index += Int(length)
            }
        }
        precondition(index == bytes.count, "a row ends where its last field ends")
        return fields
    }
}

/// A big-endian integer.
func integer(_ bytes: some Collection<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

func bytes(of value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// The field, without its length, that one value becomes in a column of the type; or why it becomes none.
func encodeValue(
    _ text: String, as type: ColumnType, format: ColumnMapping.Format = .automatic, rounds: Bool = false
) throws -> Result<[UInt8], TestRejection> {
    try encodeValue(Array(text.utf8), as: type, format: format, rounds: rounds)
}

func encodeValue(
    _ value: [UInt8], as type: ColumnType, format: ColumnMapping.Format = .automatic, rounds: Bool = false,
    limits: CodecLimits = .standard
) throws -> Result<[UInt8], TestRejection> {
    let mapping = StreamMapping(
        name: "m", keys: ["s"], table: "t",
        columns: [ColumnMapping(column: "c", source: .fields(["f"]), format: format, rounds: rounds)],
        timeWindow: nil)
    let block = makeBlock(raw: [[(Array("f".utf8), value)]])
    let result = try encode(block, mapping, [CatalogColumn(name: "c", type: type, notNull: true)], limits: limits)
    if let rejected = result.rejected.first { return .failure(TestRejection(rejected.rejection)) }
    guard let field = result.rows.first?.first, let bytes = field else { return .success([]) }
    return .success(bytes)
}

struct TestRejection: Error, Equatable, CustomStringConvertible {
    var rejection: Rejection
    init(_ rejection: Rejection) { self.rejection = rejection }
    var description: String { rejection.description }
}

extension Result where Success == [UInt8], Failure == TestRejection {
    var reason: Rejection.Reason? {
        if case .failure(let failure) = self { return failure.rejection.reason }
        return nil
    }

    var bytes: [UInt8]? { try? get() }
    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    var signed: Int64? {
        guard let bytes else { return nil }
        let value = integer(bytes)
        switch bytes.count {
        case 2: return Int64(Int16(truncatingIfNeeded: value))
        case 4: return Int64(Int32(truncatingIfNeeded: value))
        default: return Int64(bitPattern: value)
        }
    }
}
