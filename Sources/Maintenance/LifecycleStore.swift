public import PostgresWire

/// One thing of a table's life that can be changed.
public enum LifecycleKey: String, CaseIterable, Sendable {
    case chunkInterval = "chunk_interval"
    case hotFor = "hot_for"
    case warmFor = "warm_for"
    case compressAfter = "compress_after"
    case dropAfter = "drop_after"
    case dropGrace = "drop_grace"
    case chunksAhead = "chunks_ahead"
    case acceptFrom = "accept_from"
    case acceptAhead = "accept_ahead"
    case symbolPartitions = "symbol_partitions"
    case warmTablespace = "warm_tablespace"
    case coldTablespace = "cold_tablespace"

    /// What the server reads the value as.
    public var type: String {
        switch self {
        case .chunkInterval, .hotFor, .warmFor, .compressAfter, .dropAfter, .dropGrace, .acceptAhead: "interval"
        case .chunksAhead, .symbolPartitions: "int"
        case .acceptFrom: "timestamptz"
        case .warmTablespace, .coldTablespace: "name"
        }
    }

    /// Whether `never` (or `none`) is a value.
    public var mayBeNever: Bool {
        switch self {
        case .compressAfter, .dropAfter, .warmTablespace, .coldTablespace: true
        case .chunkInterval, .hotFor, .warmFor, .dropGrace, .chunksAhead, .acceptFrom, .acceptAhead, .symbolPartitions:
            false
        }
    }
}

/// Reads and changes `ingest.lifecycle`.
public struct LifecycleStore {
    /// A row, as the server writes its values.
    public struct Row: Equatable, Sendable {
        public var table: String
        /// `nil` is never, or none.
        public var values: [LifecycleKey: String]
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// All tables, by name.
    public func rows() throws(PostgresError) -> [Row] {
        let list = LifecycleKey.allCases.map { "\($0.rawValue)::text" }.joined(separator: ", ")
        var rows: [Row] = []
        for row in try connection.query(
            "SELECT table_name, \(list) FROM ingest.lifecycle ORDER BY table_name", deadline: deadline)
        {
            var values: [LifecycleKey: String] = [:]
            for key in LifecycleKey.allCases { values[key] = try row.text(key.rawValue) }
            rows.append(Row(table: try row.requiredText("table_name"), values: values))
        }
        return rows
    }

    /// Changes a table's row, in a transaction that stays open for ``confirm()`` or ``cancel()``. Needs the rights of
    /// `millrace_owner`.
    /// - Parameters:
    ///   - table: with or without its schema.
    ///   - changes: `nil` is never, or none.
    /// - Returns: how many chunks are beyond `drop_after` then, or `nil` when there is no such table.
    /// - Throws: what the server says of a value.
    public func change(
        _ table: String, _ changes: [(key: LifecycleKey, value: String?)]
    ) throws(PostgresError) -> Int? {
        let settings = changes.enumerated().map { index, change in
            "\(change.key.rawValue) = $\(index + 2)::\(change.key.type)"
        }
        try connection.execute("BEGIN", deadline: deadline)
        let changed = try connection.query(
            """
            UPDATE ingest.lifecycle SET \((settings + ["updated_at = now()"]).joined(separator: ", "))
             WHERE table_name = CASE WHEN strpos($1, '.') > 0 THEN $1 ELSE 'public.' || $1 END RETURNING table_name
            """, [table] + changes.map(\.value), deadline: deadline)
        guard let name = try changed.first?.requiredText("table_name") else { return nil }
        let old = try connection.query(
            """
            SELECT count(*) AS n FROM ingest.lifecycle l, ingest.chunks(l.table_name::regclass) k
             WHERE l.table_name = $1 AND k.range_end <= now() - l.drop_after
            """, [name], deadline: deadline)
        return Int(try old.first?.integer("n") ?? 0)
    }

    public func confirm() throws(PostgresError) {
        try connection.execute("COMMIT", deadline: deadline)
    }

    public func cancel() throws(PostgresError) {
        try connection.reset(deadline: deadline)
    }

    private var deadline: PostgresConnection.Deadline { .now + .seconds(60) }
}
