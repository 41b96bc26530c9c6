public import PostgresWire
public import Records

/// What the ledger knows of one stream's open incarnation, in numbers.
public struct SourceBook: Equatable, Sendable {
    public var number: SourceNumber
    public var stream: StreamKey
    /// As ``HexUUID`` writes it: the marker of this incarnation in Redis.
    public var incarnation: HexUUID
    /// Entries that are disposed of; `nil` when some were adopted uncounted.
    public var entries: Int64?
    /// The highest id among them.
    public var highest: StreamID?
}

extension LedgerStore {
    /// The books of all open sources of a group, or of one stream of it.
    public func books(
        redisID: String, redisDatabase: Int, group: String, stream: StreamKey? = nil,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [SourceBook] {
        let found = try connection.query(
            """
            SELECT s.source_no, s.stream, s.incarnation, coalesce(sum(l.n), 0)::bigint AS n,
                   coalesce(bool_or(l.kind IS NOT NULL AND l.n IS NULL), false) AS adopted,
                   (array_agg(upper(l.ids) ORDER BY upper(l.ids) DESC))[1] AS highest
              FROM ingest.source s LEFT JOIN ingest.ledger l ON l.source_no = s.source_no
             WHERE s.redis_id = $1 AND s.redis_db = $2 AND s.grp = $3 AND s.closed_at IS NULL
               AND ($4::bytea IS NULL OR s.stream = $4::bytea)
             GROUP BY s.source_no ORDER BY s.source_no
            """, [redisID, String(redisDatabase), group, stream.map { "\\x" + SQLText.hex($0.bytes) }],
            deadline: deadline)
        return try found.map { row throws(PostgresError) in
            guard let incarnation = HexUUID(try row.requiredText("incarnation")) else {
                throw PostgresError(.decoding, message: "column incarnation: not a uuid")
            }
            return SourceBook(
                number: SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))),
                stream: StreamKey(bytes: try row.bytes("stream") ?? []), incarnation: incarnation,
                entries: try row.isTrue("adopted") ? nil : try row.requiredInteger("n"),
                highest: try row.streamID("highest"))
        }
    }

    /// The lowest entry of the source whose fields an open dead letter expects to find in the stream. Letters of entries
    /// that were deleted expect nothing: of those no fields are left. Ask after ``coverage(of:deadline:)``: a letter and
    /// the row that covers its entry are committed together.
    public func lowestReferred(
        of source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> StreamID? {
        try connection.query(
            """
            SELECT id FROM ingest.dead_letter
             WHERE source_no = $1 AND by_reference AND state = 'o' AND payload_bytes > 0 ORDER BY id LIMIT 1
            """, [String(source.rawValue)], deadline: deadline
        ).first?.streamID("id")
    }
}
