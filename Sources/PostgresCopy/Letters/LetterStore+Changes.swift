public import PostgresWire
public import Records

/// Letters' fields, corrected, and what a reader of their streams has to know. See ``LetterSweep`` for other changes.
extension LetterStore {
    /// Writes the fields of letters as their edited fields; the originals stay. Letters whose fields are as they were,
    /// are closed, or were edited since they were read, are left alone.
    /// - Returns: the letters that are open and have these fields now, with their new count of edits.
    public func edit(
        _ letters: [OpenLetter], by actor: String, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [OpenLetter] {
        let withFields = letters.filter { $0.fields != nil }
        guard !withFields.isEmpty else { return letters }
        let values = withFields.map { letter in
            "(\(letter.key.source.rawValue), '\(letter.key.id.uuidHex)'::uuid, \(letter.edits), "
                + "\(SQLText.byteaLiteral(letter.fields ?? [])))"
        }
        let found = try connection.query(
            """
            UPDATE ingest.dead_letter l
               SET edited_payload = e.fields, edited_by = $1, edited_at = now(), edits = l.edits + 1
              FROM (VALUES \(values.joined(separator: ",\n"))) AS e(source_no, id, edits, fields)
             WHERE l.source_no = e.source_no AND l.id = e.id AND l.edits = e.edits AND l.state = 'o'
            RETURNING l.source_no, l.id, l.edits
            """, [actor], deadline: deadline)
        var edits: [LetterKey: Int] = [:]
        for row in found { edits[try row.letterKey()] = Int(try row.requiredInteger("edits")) }
        return letters.compactMap { letter in
            guard letter.fields != nil else { return letter }
            guard let count = edits[letter.key] else { return nil }
            var edited = letter
            edited.edits = count
            return edited
        }
    }

    /// What marks the stream of a source.
    public func incarnation(
        of source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> HexUUID? {
        let found = try connection.query(
            "SELECT incarnation FROM ingest.source WHERE source_no = $1 AND closed_at IS NULL",
            [String(source.rawValue)], deadline: deadline)
        return try found.first.flatMap { row throws(PostgresError) in HexUUID(try row.requiredText("incarnation")) }
    }
}

/// How many letters are open.
public struct LetterCensus: Equatable, Sendable {
    public var byCause: [String: Int] = [:]
    public var open = 0
    public var scheduled = 0
    /// Of their fields.
    public var bytes = 0
}

extension LetterStore {
    /// Counts the open letters of the scope.
    public func census(deadline: PostgresConnection.Deadline) throws(PostgresError) -> LetterCensus {
        let found = try connection.query(
            """
            SELECT l.cause, count(*) AS n, count(l.next_retry) AS scheduled, sum(l.payload_bytes)::bigint AS bytes
              FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
             WHERE \(LetterSelection().condition(in: scope)) GROUP BY l.cause
            """, deadline: deadline)
        var census = LetterCensus()
        for row in found {
            let count = Int(try row.requiredInteger("n"))
            census.byCause[try row.requiredText("cause")] = count
            census.open += count
            census.scheduled += Int(try row.requiredInteger("scheduled"))
            census.bytes += Int(try row.integer("bytes") ?? 0)
        }
        return census
    }
}
