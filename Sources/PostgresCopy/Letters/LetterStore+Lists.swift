public import PostgresWire
public import Records

/// A letter as lists show it: everything but its fields. Times are ISO 8601, UTC.
public struct ListedLetter: Equatable, Sendable {
    public var key: LetterKey
    public var stream: StreamKey
    public var state: LetterSelection.State
    public var cause: String
    public var reason: String
    public var firstReason: String?
    public var table: String?
    public var column: String?
    public var field: String?
    public var sqlState: String?
    public var constraint: String?
    public var fingerprint: String
    public var batch: String?
    public var attempts: Int
    public var nextRetry: String?
    public var createdAt: String
    public var closedAt: String?
    public var closedBy: String?
    public var storedBy: String?
    public var editedAt: String?
    public var editedBy: String?
    /// Size of the fields as RESP bytes.
    public var byteCount: Int64
    public var isReference: Bool
    /// Where the page after this letter begins.
    public var cursor: LetterCursor
}

/// A place in a list of letters, newest first.
public struct LetterCursor: Equatable, Sendable {
    public var microseconds: Int64
    public var key: LetterKey

    /// Reads what ``description`` writes.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let microseconds = Int64(parts[0]), let source = Int32(parts[1]),
            let id = StreamID(parts[2])
        else { return nil }
        self.microseconds = microseconds
        key = LetterKey(source: SourceNumber(rawValue: source), id: id)
    }

    init(microseconds: Int64, key: LetterKey) {
        self.microseconds = microseconds
        self.key = key
    }
}

extension LetterCursor: CustomStringConvertible {
    public var description: String { "\(microseconds):\(key)" }
}

/// Letters that need the same remedy.
public struct LetterGroup: Equatable, Sendable {
    public var fingerprint: String
    public var cause: String
    public var reason: String
    public var table: String?
    public var column: String?
    public var sqlState: String?
    public var constraint: String?
    public var letters: Int64
    public var open: Int64
    public var scheduled: Int64
    public var streams: Int64
    public var firstAt: String
    public var lastAt: String
}

/// Everything about one letter.
public struct LetterDetails: Equatable, Sendable {
    public var letter: ListedLetter
    /// The server's words; they may quote the record.
    public var detail: String?
    /// JSON, the oldest first.
    public var attemptLog: String
    /// As they came, as RESP bytes; `nil` when only the stream has them.
    public var fields: [UInt8]?
    public var editedFields: [UInt8]?
    /// Who found it, while its batch is kept.
    public var worker: String?
    public var batchAt: String?
}

extension LetterStore {
    /// Letters, the newest first.
    public func list(
        _ selection: LetterSelection, limit: Int, after cursor: LetterCursor? = nil,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [ListedLetter] {
        var condition = selection.condition(in: scope)
        if let cursor {
            let key = "\(cursor.key.source.rawValue), '\(cursor.key.id.uuidHex)'::uuid"
            condition += " AND (l.created_at, l.source_no, l.id) < (\(Self.time(cursor.microseconds)), \(key))"
        }
        let found = try connection.query(
            """
            SELECT \(Self.listed) FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
             WHERE \(condition) ORDER BY l.created_at DESC, l.source_no DESC, l.id DESC LIMIT \(max(1, limit))
            """, deadline: deadline)
        return try found.map { row throws(PostgresError) in try row.listedLetter() }
    }

    /// Letters in the order of their keys, with everything. Few when their fields are large: as with
    /// ``page(of:after:upTo:limit:deadline:)``, only an empty page is the end.
    public func details(
        _ selection: LetterSelection, limit: Int, after last: LetterKey? = nil,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [LetterDetails] {
        var condition = selection.condition(in: scope)
        if let last { condition += " AND (l.source_no, l.id) > (\(last.source.rawValue), '\(last.id.uuidHex)'::uuid)" }
        let found = try connection.query(
            """
            WITH keys AS (\(Self.keys(condition, limit: limit)))
            SELECT \(Self.listed), l.detail, l.attempt_log, l.edited_payload, b.worker,
                   \(Self.text("b.committed_at")) AS batch_at,
                   CASE WHEN l.by_reference THEN NULL WHEN l.parts = 0 THEN l.payload
                        ELSE ingest.dead_letter_payload(l.source_no, l.id) END AS fields
              FROM keys JOIN ingest.dead_letter l USING (source_no, id) JOIN ingest.source s USING (source_no)
              LEFT JOIN ingest.batch b ON b.batch = l.batch
             ORDER BY l.source_no, l.id
            """, deadline: deadline)
        return try found.map { row throws(PostgresError) in
            LetterDetails(
                letter: try row.listedLetter(), detail: try row.text("detail"),
                attemptLog: try row.requiredText("attempt_log"), fields: try row.bytes("fields"),
                editedFields: try row.bytes("edited_payload"), worker: try row.text("worker"),
                batchAt: try row.text("batch_at"))
        }
    }

    /// Letters by what is wrong with them, the most first.
    public func groups(
        _ selection: LetterSelection, limit: Int, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [LetterGroup] {
        // First by source, so that streams are counted without sorting every letter.
        let found = try connection.query(
            """
            WITH by_source AS (
              SELECT l.fingerprint, l.cause, l.table_name, l.column_name, l.sqlstate, l.constraint_name, l.source_no,
                     min(l.reason) AS reason, count(*) AS letters, count(*) FILTER (WHERE l.state = 'o') AS open,
                     count(l.next_retry) FILTER (WHERE l.state = 'o') AS scheduled,
                     min(l.created_at) AS first_at, max(l.created_at) AS last_at
                FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
               WHERE \(selection.condition(in: scope))
               GROUP BY 1, 2, 3, 4, 5, 6, 7)
            SELECT fingerprint, cause, min(reason) AS reason, table_name, column_name, sqlstate, constraint_name,
                   sum(letters)::bigint AS letters, sum(open)::bigint AS open, sum(scheduled)::bigint AS scheduled,
                   count(DISTINCT s.stream) AS streams, \(Self.text("min(first_at)")) AS first_at,
                   \(Self.text("max(last_at)")) AS last_at
              FROM by_source JOIN ingest.source s USING (source_no)
             GROUP BY fingerprint, cause, table_name, column_name, sqlstate, constraint_name
             ORDER BY letters DESC, fingerprint LIMIT \(max(1, limit))
            """, deadline: deadline)
        return try found.map { row throws(PostgresError) in
            LetterGroup(
                fingerprint: try row.requiredText("fingerprint"), cause: try row.requiredText("cause"),
                reason: try row.requiredText("reason"), table: try row.text("table_name"),
                column: try row.text("column_name"), sqlState: try row.text("sqlstate"),
                constraint: try row.text("constraint_name"), letters: try row.requiredInteger("letters"),
                open: try row.requiredInteger("open"), scheduled: try row.requiredInteger("scheduled"),
                streams: try row.requiredInteger("streams"), firstAt: try row.requiredText("first_at"),
                lastAt: try row.requiredText("last_at"))
        }
    }

    private static let listed = """
        l.source_no, l.id, s.stream, l.state, l.cause, l.reason, l.first_reason, l.table_name, l.column_name, l.field,
        l.sqlstate, l.constraint_name, l.fingerprint, l.batch, l.attempts, \(text("l.next_retry")) AS next_retry,
        \(text("l.created_at")) AS created_at, \(text("l.closed_at")) AS closed_at, l.closed_by, l.stored_by,
        \(text("l.edited_at")) AS edited_at, l.edited_by, l.payload_bytes, l.by_reference,
        (extract(epoch FROM l.created_at) * 1000000)::bigint AS created_us
        """

    private static func text(_ time: String) -> String {
        "to_char(\(time) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    }

    /// Exact: an interval of whole microseconds.
    private static func time(_ microseconds: Int64) -> String {
        "(timestamptz 'epoch' + \(microseconds) * interval '1 microsecond')"
    }
}

extension ResultSet.Row {
    fileprivate func listedLetter() throws(PostgresError) -> ListedLetter {
        let key = try letterKey()
        return ListedLetter(
            key: key, stream: StreamKey(bytes: try bytes("stream") ?? []),
            state: LetterSelection.State(rawValue: try requiredText("state")) ?? .open,
            cause: try requiredText("cause"), reason: try requiredText("reason"),
            firstReason: try text("first_reason"), table: try text("table_name"), column: try text("column_name"),
            field: try text("field"), sqlState: try text("sqlstate"), constraint: try text("constraint_name"),
            fingerprint: try requiredText("fingerprint"), batch: try text("batch"),
            attempts: Int(try requiredInteger("attempts")), nextRetry: try text("next_retry"),
            createdAt: try requiredText("created_at"), closedAt: try text("closed_at"),
            closedBy: try text("closed_by"), storedBy: try text("stored_by"), editedAt: try text("edited_at"),
            editedBy: try text("edited_by"), byteCount: try requiredInteger("payload_bytes"),
            isReference: try isTrue("by_reference"),
            cursor: LetterCursor(microseconds: try requiredInteger("created_us"), key: key))
    }
}
