import PostgresWire
import Records

extension DeadLetter {
    /// `INSERT INTO ingest.dead_letter …` for all letters.
    ///
    /// Everything that comes from outside is hexadecimal digits in it, so that nothing needs quoting.
    static func insert(_ letters: [DeadLetter]) -> String {
        var sql = """
            INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, parts, by_reference, cause, \
            reason, mapping, table_name, column_name, field, sqlstate, constraint_name, detail, fingerprint, batch, \
            next_retry) VALUES\n
            """
        for (index, letter) in letters.enumerated() {
            if index > 0 { sql += ",\n" }
            sql += letter.values
        }
        return sql
    }

    private var values: String {
        let isReference =
            switch content {
            case .fields: false
            case .reference: true
            }
        let values = [
            String(source.rawValue), "'\(id.uuidHex)'", SQLText.textLiteral(stream.description),
            SQLText.byteaLiteral(inlineFields), String(byteCount), String(parts.count), String(isReference),
            SQLText.textLiteral(rejection.reason.rawValue), SQLText.textLiteral(rejection.description),
            Self.text(mapping), Self.text(rejection.table), Self.text(rejection.column), Self.text(rejection.field),
            Self.text(rejection.sqlState), Self.text(constraint), Self.text(detail), "'\(fingerprint)'",
            batch.map { "'\($0.digits)'::uuid" } ?? "NULL::uuid", nextRetry,
        ]
        return "(" + values.joined(separator: ",") + ")"
    }

    /// By the server's clock: it is the one that all workers see.
    private var nextRetry: String {
        guard let retryAfter else { return "NULL::timestamptz" }
        let (seconds, attoseconds) = retryAfter.components
        return "now() + interval '\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000) milliseconds'"
    }

    private static func text(_ value: String?) -> String {
        value.map { SQLText.textLiteral($0) } ?? "NULL"
    }
}

/// The fields of large letters as one binary COPY into `ingest.dead_letter_part`: no digits, no second copy.
struct LetterParts {
    let source: CopyPieces
    let count: Int

    static let copy = "COPY ingest.dead_letter_part (source_no, id, part, payload) FROM STDIN (FORMAT binary)"

    /// `nil` when no letter is large.
    init?(_ letters: [DeadLetter]) {
        var pieces: [ArraySlice<UInt8>] = [CopyFormat.header[...]]
        var count = 0
        for letter in letters {
            for (number, part) in letter.parts.enumerated() {
                pieces.append(Self.tupleHead(letter, part: number, byteCount: part.count)[...])
                pieces.append(part)
                count += 1
            }
        }
        guard count > 0 else { return nil }
        pieces.append(CopyFormat.trailer[...])
        source = CopyPieces(pieces)
        self.count = count
    }

    private static func tupleHead(_ letter: DeadLetter, part: Int, byteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        CopyFormat.append(Int16(4), to: &bytes)
        CopyFormat.append(Int32(4), to: &bytes)
        CopyFormat.append(letter.source.rawValue, to: &bytes)
        CopyFormat.append(Int32(16), to: &bytes)
        CopyFormat.append(letter.id.milliseconds, to: &bytes)
        CopyFormat.append(letter.id.sequence, to: &bytes)
        CopyFormat.append(Int32(4), to: &bytes)
        CopyFormat.append(Int32(truncatingIfNeeded: part), to: &bytes)
        CopyFormat.append(Int32(truncatingIfNeeded: byteCount), to: &bytes)
        return bytes
    }
}

/// The frame of a binary COPY.
enum CopyFormat {
    /// Signature, no flags, no extension.
    static let header: [UInt8] =
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)
    static let trailer: [UInt8] = [0xFF, 0xFF]

    static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
