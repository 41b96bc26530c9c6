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
        let edits = try Self.edits(found)
        return letters.compactMap { letter in
            letter.fields == nil ? letter : edits[letter.key].map { Self.edited(letter, $0) }
        }
    }

    /// Goes back to the original fields. Letters that are closed, or were edited since they were read, are left alone.
    /// - Returns: the letters that are open and not edited now, with their new count of edits, and without fields.
    public func reset(
        _ letters: [OpenLetter], deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [OpenLetter] {
        guard !letters.isEmpty else { return [] }
        let values = letters.map { "(\($0.key.source.rawValue), '\($0.key.id.uuidHex)'::uuid, \($0.edits))" }
        let found = try connection.query(
            """
            UPDATE ingest.dead_letter l
               SET edited_payload = NULL, edited_by = NULL, edited_at = NULL, edits = l.edits + 1
              FROM (VALUES \(values.joined(separator: ",\n"))) AS e(source_no, id, edits)
             WHERE l.source_no = e.source_no AND l.id = e.id AND l.edits = e.edits AND l.state = 'o'
            RETURNING l.source_no, l.id, l.edits
            """, deadline: deadline)
        let edits = try Self.edits(found)
        return letters.compactMap { letter in
            var original = letter
            original.fields = nil
            return edits[letter.key].map { Self.edited(original, $0) }
        }
    }

    private static func edits(_ rows: ResultSet) throws(PostgresError) -> [LetterKey: Int] {
        var edits: [LetterKey: Int] = [:]
        for row in rows { edits[try row.letterKey()] = Int(try row.requiredInteger("edits")) }
        return edits
    }

    private static func edited(_ letter: OpenLetter, _ edits: Int) -> OpenLetter {
        var letter = letter
        letter.edits = edits
        return letter
    }

    /// Those of the selection's names that none of its letters has.
    public func unmatchedNames(
        of selection: LetterSelection, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [LetterSelection.Name] {
        guard !selection.names.isEmpty else { return [] }
        let found = try connection.query(
            """
            SELECT l.source_no, l.id FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
             WHERE \(selection.condition(in: scope))
            """, deadline: deadline)
        var keys: [StreamID: [LetterKey]] = [:]
        for row in found {
            let key = try row.letterKey()
            keys[key.id, default: []].append(key)
        }
        return selection.names.filter { name in !(keys[name.id] ?? []).contains { name.names($0) } }
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
