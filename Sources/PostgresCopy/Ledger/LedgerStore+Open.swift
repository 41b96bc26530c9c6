public import PostgresWire
public import Records

/// An open incarnation whose ledger has grown since it was merged last.
public struct OpenSource: Equatable, Sendable {
    public var number: SourceNumber
    public var stream: StreamKey
    /// The server that the source was opened on.
    public var replicationID: String?
}

extension LedgerStore {
    /// A source with more rows is worth a merge although nothing came.
    private static let manyRows = 256

    /// The open sources of a group that are worth a merge: the ledger is ahead of what `ingest.source` notes, or has
    /// many rows.
    public func openSources(
        redisID: String, redisDatabase: Int, group: String, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [OpenSource] {
        let found = try connection.query(
            """
            SELECT s.source_no, s.stream, s.replication_id FROM ingest.source s
             WHERE s.redis_id = $1 AND s.redis_db = $2 AND s.grp = $3 AND s.closed_at IS NULL
               AND (EXISTS (SELECT 1 FROM ingest.ledger l
                             WHERE l.source_no = s.source_no AND (s.max_id IS NULL OR upper(l.ids) > s.max_id))
                    OR EXISTS (SELECT 1 FROM ingest.ledger l WHERE l.source_no = s.source_no OFFSET \(Self.manyRows)))
             ORDER BY s.source_no
            """, [redisID, String(redisDatabase), group], deadline: deadline)
        return try found.map { row throws(PostgresError) in
            OpenSource(
                number: SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))),
                stream: StreamKey(bytes: try row.bytes("stream") ?? []),
                replicationID: try row.text("replication_id"))
        }
    }
}
