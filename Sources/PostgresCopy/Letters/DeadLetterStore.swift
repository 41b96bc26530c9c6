public import PostgresWire
public import Records

/// A letter as the dead-letter stream shows it.
public struct StoredLetter: Equatable, Sendable {
    public var source: SourceNumber
    public var id: StreamID
    /// The stream's exact key.
    public var stream: StreamKey
    public var cause: String
    public var reason: String
    public var table: String?
    public var sqlState: String?
    /// Size of the fields as RESP bytes.
    public var byteCount: Int64
    /// The fields as they came; `nil` when they are larger than was asked for, or kept by reference.
    public var fields: [UInt8]?
}

/// The dead letters' side of a session: what the mirror in Redis needs. Letters are written by ``CommitUnit``.
public struct DeadLetterStore {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Letters that the dead-letter stream of a group does not have, oldest first.
    /// - Parameter largestFields: fields above this many bytes stay behind.
    public func unmirrored(
        redisID: String, redisDatabase: Int, group: String, limit: Int = 500, largestFields: Int = 64 << 10,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [StoredLetter] {
        let found = try connection.query(
            """
            \(LetterSources.waiting("NOT l.mirrored", by: "created_at")),
            keys AS (
              SELECT k.* FROM ours CROSS JOIN LATERAL (
                SELECT l.source_no, l.id, l.created_at FROM ingest.dead_letter l
                 WHERE l.source_no = ours.source_no AND NOT l.mirrored
                 ORDER BY l.source_no, l.created_at, l.id LIMIT $4) k
               ORDER BY k.created_at, k.source_no, k.id LIMIT $4)
            SELECT l.source_no, l.id, s.stream, l.cause, l.reason, l.table_name, l.sqlstate, l.payload_bytes,
                   CASE WHEN l.payload_bytes <= $5 AND l.parts = 0 AND NOT l.by_reference THEN l.payload END AS fields
              FROM keys JOIN ingest.dead_letter l USING (source_no, id) JOIN ingest.source s USING (source_no)
             ORDER BY l.created_at, l.source_no, l.id
            """, [redisID, String(redisDatabase), group, String(limit), String(largestFields)], deadline: deadline)
        return try found.map { row throws(PostgresError) in try Self.letter(row) }
    }

    /// How many letters the dead-letter stream of a group does not have.
    public func unmirroredCount(
        redisID: String, redisDatabase: Int, group: String, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> Int {
        let found = try connection.query(
            """
            SELECT count(*) AS n FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
             WHERE NOT l.mirrored AND s.redis_id = $1 AND s.redis_db = $2 AND s.grp = $3
            """, [redisID, String(redisDatabase), group], deadline: deadline)
        return Int(try found[0].requiredInteger("n"))
    }

    /// Notes that the dead-letter stream has these. It may get a letter twice, never not at all.
    public func markMirrored(
        _ letters: [(source: SourceNumber, id: StreamID)], deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        guard !letters.isEmpty else { return }
        let sources = "{" + letters.map { String($0.source.rawValue) }.joined(separator: ",") + "}"
        let ids = "{" + letters.map(\.id.uuidHex).joined(separator: ",") + "}"
        _ = try connection.query(
            """
            UPDATE ingest.dead_letter l SET mirrored = true
              FROM unnest($1::int[], $2::uuid[]) AS m(source_no, id)
             WHERE l.source_no = m.source_no AND l.id = m.id
            """, [sources, ids], deadline: deadline)
    }

    private static func letter(_ row: ResultSet.Row) throws(PostgresError) -> StoredLetter {
        guard let id = try row.streamID("id") else { throw PostgresError(.decoding, message: "column id: NULL") }
        return StoredLetter(
            source: SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))), id: id,
            stream: StreamKey(bytes: try row.bytes("stream") ?? []), cause: try row.requiredText("cause"),
            reason: try row.requiredText("reason"), table: try row.text("table_name"),
            sqlState: try row.text("sqlstate"), byteCount: try row.requiredInteger("payload_bytes"),
            fields: try row.bytes("fields"))
    }
}
