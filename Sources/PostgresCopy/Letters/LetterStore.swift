public import PostgresWire
public import Records

/// A letter to try again: what is stored of it, and how it was when it was read.
public struct OpenLetter: Equatable, Sendable {
    public var key: LetterKey
    /// The stream's exact key.
    public var stream: StreamKey
    /// The fields as RESP bytes, edited or as they came; `nil` when only the stream has them.
    public var fields: [UInt8]?
    /// How often it was edited. A letter that was edited meanwhile is not the one that was read.
    public var edits: Int
    /// Tries so far, the one under way included when it was leased.
    public var attempts: Int
    /// Its stream is still the one it came from, as far as the ledger knows.
    public var isSourceOpen: Bool

    public init(
        key: LetterKey, stream: StreamKey, fields: [UInt8]?, edits: Int = 0, attempts: Int = 0,
        isSourceOpen: Bool = true
    ) {
        self.key = key
        self.stream = stream
        self.fields = fields
        self.edits = edits
        self.attempts = attempts
        self.isSourceOpen = isSourceOpen
    }
}

/// What trying letters again needs of the database. Blocks its thread; used from one thread at a time.
public struct LetterStore {
    public let connection: PostgresConnection
    public let scope: LetterScope

    public init(_ connection: PostgresConnection, scope: LetterScope) {
        self.connection = connection
        self.scope = scope
    }

    /// Most letters of one page.
    public static let pageLetters = 5_000
    /// A page ends before its fields take more bytes; one letter always fits.
    public static let pageBytes = 8 << 20

    /// The server's clock, for ``page(of:after:upTo:limit:deadline:)``.
    public func now(deadline: PostgresConnection.Deadline) throws(PostgresError) -> String {
        try connection.query("SELECT now()::text AS now", deadline: deadline)[0].requiredText("now")
    }

    public func count(
        _ selection: LetterSelection, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> Int {
        let found = try connection.query(
            """
            SELECT count(*) AS n FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
             WHERE \(selection.condition(in: scope))
            """, deadline: deadline)
        return Int(try found[0].requiredInteger("n"))
    }

    /// Letters in the order of their keys, with their fields.
    /// - Parameters:
    ///   - after: the last key of the page before.
    ///   - moment: letters written later are left out, so that the pages have an end.
    public func page(
        of selection: LetterSelection, after last: LetterKey? = nil, upTo moment: String? = nil,
        limit: Int = pageLetters, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [OpenLetter] {
        var condition = selection.condition(in: scope)
        if let last { condition += " AND (l.source_no, l.id) > (\(last.source.rawValue), '\(last.id.uuidHex)'::uuid)" }
        if moment != nil { condition += " AND l.created_at <= $1::timestamptz" }
        let found = try connection.query(
            """
            WITH keys AS (\(Self.keys(condition, limit: limit)))
            SELECT \(Self.columns) FROM keys JOIN ingest.dead_letter l USING (source_no, id)
              JOIN ingest.source s USING (source_no) ORDER BY l.source_no, l.id
            """, moment.map { [$0] } ?? [], deadline: deadline)
        return try found.map { row throws(PostgresError) in try Self.letter(row) }
    }

    /// Those of the letters that are open still, as they are now.
    public func reread(
        _ keys: [LetterKey], deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [OpenLetter] {
        guard !keys.isEmpty else { return [] }
        let found = try connection.query(
            """
            SELECT \(Self.columns) FROM unnest(\(Self.arrays(keys))) AS k(source_no, id)
              JOIN ingest.dead_letter l USING (source_no, id) JOIN ingest.source s USING (source_no)
             WHERE l.state = 'o' ORDER BY l.source_no, l.id
            """, deadline: deadline)
        return try found.map { row throws(PostgresError) in try Self.letter(row) }
    }

    // MARK: Retries

    /// Takes letters that are due, no more than fit a page: their attempt counts from here on, and nobody else takes
    /// them for a minute.
    ///
    /// The lease is committed when this returns. A letter whose last attempt never ended stays open and is not given
    /// out again.
    public func lease(
        limit: Int, maximumAttempts: Int, lease: Duration, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [OpenLetter] {
        let found = try connection.query(
            """
            \(LetterSources.waiting("l.state = 'o' AND l.next_retry IS NOT NULL", by: "next_retry")),
            first AS (
              SELECT k.* FROM ours CROSS JOIN LATERAL (
                SELECT l.source_no, l.id FROM ingest.dead_letter l
                 WHERE l.source_no = ours.source_no AND l.state = 'o' AND l.next_retry <= now()
                 ORDER BY l.source_no, l.next_retry LIMIT $4) k),
            free AS (
              SELECT l.source_no, l.id, l.next_retry, l.payload_bytes
                FROM first JOIN ingest.dead_letter l USING (source_no, id)
               -- Asked again under the lock, in a form that keeps the planner to the key.
               WHERE l.state = 'o' AND (l.next_retry <= now()) IS TRUE
               ORDER BY l.next_retry LIMIT $4 FOR UPDATE OF l SKIP LOCKED),
            due AS (
              SELECT source_no, id FROM (
                SELECT source_no, id, sum(payload_bytes) OVER (ORDER BY next_retry, source_no, id) - payload_bytes AS b
                  FROM free) AS page
               WHERE b = 0 OR b < \(Self.pageBytes)),
            taken AS (
              UPDATE ingest.dead_letter l
                 SET attempts = l.attempts + CASE WHEN l.attempts < $5 THEN 1 ELSE 0 END,
                     next_retry = CASE WHEN l.attempts < $5 THEN now() + \(SQLText.interval(lease)) END
                FROM due WHERE l.source_no = due.source_no AND l.id = due.id
               RETURNING l.*)
            SELECT \(Self.columns) FROM taken l JOIN ingest.source s USING (source_no)
             WHERE l.next_retry IS NOT NULL ORDER BY l.source_no, l.id
            """, [scope.redisID, String(scope.redisDatabase), scope.group, String(limit), String(maximumAttempts)],
            deadline: deadline)
        return try found.map { row throws(PostgresError) in try Self.letter(row) }
    }

    /// Gives leased letters back untried: the attempt does not count.
    public func release(
        _ keys: [LetterKey], after pause: Duration, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        guard !keys.isEmpty else { return }
        try connection.execute(
            """
            UPDATE ingest.dead_letter l
               SET attempts = greatest(l.attempts - 1, 0), next_retry = now() + \(SQLText.interval(pause))
              FROM unnest(\(Self.arrays(keys))) AS k(source_no, id)
             WHERE l.source_no = k.source_no AND l.id = k.id AND l.state = 'o' AND l.next_retry IS NOT NULL
            """, deadline: deadline)
    }

    // MARK: Reading rows

    /// A query for the keys of a page.
    static func keys(_ condition: String, limit: Int) -> String {
        """
        SELECT source_no, id FROM (
          SELECT source_no, id, sum(bytes) OVER (ORDER BY source_no, id) - bytes AS ahead FROM (
            SELECT l.source_no, l.id, l.payload_bytes + coalesce(octet_length(l.edited_payload), 0) AS bytes
              FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
             WHERE \(condition) ORDER BY l.source_no, l.id LIMIT \(max(1, limit))) AS letters) AS page
         WHERE ahead = 0 OR ahead < \(pageBytes)
        """
    }

    /// Parts of large letters are put together only for the letters that have any.
    private static let columns = """
        l.source_no, l.id, s.stream, l.edits, l.attempts, s.closed_at IS NULL AS is_source_open,
        CASE WHEN l.edited_payload IS NOT NULL THEN l.edited_payload WHEN l.by_reference THEN NULL
             WHEN l.parts = 0 THEN l.payload ELSE ingest.dead_letter_payload(l.source_no, l.id) END AS fields
        """

    /// Two arrays of digits and commas.
    static func arrays(_ keys: [LetterKey]) -> String {
        let sources = keys.map { String($0.source.rawValue) }.joined(separator: ",")
        let ids = keys.map(\.id.uuidHex).joined(separator: ",")
        return "'{\(sources)}'::int[], '{\(ids)}'::uuid[]"
    }

    private static func letter(_ row: ResultSet.Row) throws(PostgresError) -> OpenLetter {
        OpenLetter(
            key: try row.letterKey(), stream: StreamKey(bytes: try row.bytes("stream") ?? []),
            fields: try row.bytes("fields"), edits: Int(try row.requiredInteger("edits")),
            attempts: Int(try row.requiredInteger("attempts")), isSourceOpen: try row.isTrue("is_source_open"))
    }
}

extension ResultSet.Row {
    func letterKey() throws(PostgresError) -> LetterKey {
        guard let id = try streamID("id") else { throw PostgresError(.decoding, message: "column id: NULL") }
        return LetterKey(source: SourceNumber(rawValue: Int32(clamping: try requiredInteger("source_no"))), id: id)
    }
}
