public import PostgresWire
public import Records

/// What the ledger says about one entry.
public struct CoverageFacts: Equatable, Sendable {
    public var source: SourceNumber
    public var incarnation: String
    /// The stream's present incarnation.
    public var isOpen: Bool
    /// `nil` when no row of the ledger covers the entry.
    public var range: IDRange?
    /// The range is a floor: merged from many batches, whose lineage may be pruned.
    public var isFloor: Bool
    public var committedAt: String?
    public var batch: String?
}

/// A committed batch, as long as it is kept. Times are ISO 8601, UTC.
public struct BatchFacts: Equatable, Sendable {
    public var batch: String
    public var worker: String
    public var lane: Int
    public var tables: [String]
    public var rows: Int64
    public var duplicates: Int64
    public var letters: Int64
    public var bytes: Int64
    public var sealedBy: String
    public var readAt: String?
    public var committedAt: String
    /// Where the page after this batch begins.
    public var cursor: String
}

/// A range of ids that a batch took.
public struct BatchRange: Equatable, Sendable {
    public var source: SourceNumber
    public var stream: StreamKey
    public var ids: IDRange
    public var count: Int64
}

/// Reads ledger and lineage for people. No guarantee rests on it.
public struct LineageStore {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// What covers an entry, in every incarnation of its stream, the newest first.
    public func coverage(
        of id: StreamID, in stream: StreamKey, scope: LetterScope, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [CoverageFacts] {
        let found = try connection.query(
            """
            SELECT s.source_no, s.incarnation, s.closed_at IS NULL AS is_open, lower(l.ids) AS lo, upper(l.ids) AS hi,
                   l.kind = 'F' AS is_floor, \(Self.text("l.committed_at")) AS committed_at, b.batch
              FROM ingest.source s
              LEFT JOIN ingest.ledger l ON l.source_no = s.source_no AND l.ids @> $5::uuid
              LEFT JOIN LATERAL (
                SELECT r.batch FROM ingest.batch_range r
                 WHERE r.source_no = s.source_no AND r.lo <= $5::uuid AND r.hi >= $5::uuid
                 ORDER BY r.lo DESC LIMIT 1) b ON true
             WHERE s.redis_id = $1 AND s.redis_db = $2 AND s.grp = $3 AND s.stream = $4 ORDER BY s.source_no DESC
            """,
            [
                scope.redisID, String(scope.redisDatabase), scope.group, "\\x" + SQLText.hex(stream.bytes), id.uuidHex,
            ], deadline: deadline)
        return try found.map { row throws(PostgresError) in
            CoverageFacts(
                source: SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))),
                incarnation: try row.requiredText("incarnation"), isOpen: try row.isTrue("is_open"),
                range: try row.text("lo") == nil ? nil : try row.range("lo", "hi"),
                isFloor: try row.isTrue("is_floor"), committedAt: try row.text("committed_at"),
                batch: try row.text("batch"))
        }
    }

    /// Batches, the newest first.
    /// - Parameter cursor: what ``BatchFacts/cursor`` of the last one of the page before says.
    public func batches(
        limit: Int, after cursor: (microseconds: Int64, batch: HexUUID)? = nil, batch: HexUUID? = nil,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [BatchFacts] {
        var terms = ["true"]
        if let cursor {
            terms.append(
                "(committed_at, batch) < (timestamptz 'epoch' + \(cursor.microseconds) * interval '1 microsecond', "
                    + "'\(cursor.batch)'::uuid)")
        }
        if let batch { terms.append("batch = '\(batch)'::uuid") }
        let found = try connection.query(
            """
            SELECT batch, worker, lane, rows, duplicates, letters, bytes, sealed_by,
                   \(Self.text("read_at")) AS read_at, \(Self.text("committed_at")) AS committed_at,
                   (extract(epoch FROM committed_at) * 1000000)::bigint AS us, array_to_string(tables, E'\\n') AS names
              FROM ingest.batch WHERE \(terms.joined(separator: " AND "))
             ORDER BY committed_at DESC, batch DESC LIMIT \(max(1, limit))
            """, deadline: deadline)
        return try found.map { row throws(PostgresError) in
            let batch = try row.requiredText("batch")
            return BatchFacts(
                batch: batch, worker: try row.requiredText("worker"), lane: Int(try row.requiredInteger("lane")),
                tables: try row.requiredText("names").split(separator: "\n").map(String.init),
                rows: try row.requiredInteger("rows"), duplicates: try row.requiredInteger("duplicates"),
                letters: try row.requiredInteger("letters"), bytes: try row.requiredInteger("bytes"),
                sealedBy: try row.requiredText("sealed_by"), readAt: try row.text("read_at"),
                committedAt: try row.requiredText("committed_at"),
                cursor: "\(try row.requiredInteger("us")):\(batch)")
        }
    }

    /// What a batch took, at most `limit` ranges.
    public func ranges(
        of batch: HexUUID, limit: Int, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [BatchRange] {
        let found = try connection.query(
            """
            SELECT r.source_no, s.stream, r.lo, r.hi, r.n FROM ingest.batch_range r JOIN ingest.source s USING (source_no)
             WHERE r.batch = '\(batch)'::uuid ORDER BY r.source_no, r.lo LIMIT \(max(1, limit))
            """, deadline: deadline)
        return try found.map { row throws(PostgresError) in
            BatchRange(
                source: SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))),
                stream: StreamKey(bytes: try row.bytes("stream") ?? []), ids: try row.range("lo", "hi"),
                count: try row.requiredInteger("n"))
        }
    }

    private static func text(_ time: String) -> String {
        "to_char(\(time) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    }
}
