public import PostgresWire

/// Looks after the chunks of the tables in `ingest.lifecycle`: makes them ahead of time, compresses, moves and drops
/// them. What it asks for is decided again by the server's functions, so it needs only the rights of `millrace_writer`.
///
/// Every step is a transaction of its own under a lock that all maintainers of a database share. Uses the connection
/// it was made with, on the thread it is called on.
public struct Maintainer {
    private let connection: PostgresConnection
    private let patience: Duration

    /// - Parameter patience: longest time for one step.
    public init(_ connection: PostgresConnection, patience: Duration = .seconds(600)) {
        self.connection = connection
        self.patience = patience
    }

    /// Whether the caller is to do maintenance now: of many that ask, one a period is told so.
    public func claim(by who: String, every period: Duration) throws(PostgresError) -> Bool {
        let rows = try connection.query(
            "SELECT ingest.claim_maintenance($1, $2::interval) AS mine",
            [who, "\(period / .seconds(1)) seconds"], deadline: deadline)
        return try rows.first?.isTrue("mine") ?? false
    }

    /// Makes the plans of all tables and, unless `dryRun`, carries them out.
    ///
    /// - Parameter goOn: asked between steps; `false` ends the run early.
    /// - Throws: when the connection is lost, or the schema lacks what maintenance needs. A step that fails or has to
    ///   wait is in the result.
    public func run(dryRun: Bool = false, while goOn: () -> Bool = { true }) throws(PostgresError) -> [TableMaintenance]
    {
        let limits = try readLimits()
        var result: [TableMaintenance] = []
        for table in limits {
            guard goOn() else { break }
            if !dryRun { try observe(table.table) }
            let chunks = try readChunks(of: table.table)
            let plan = MaintenancePlan(table, chunks: chunks, adjustments: try readAdjustments(of: table.table))
            var done = TableMaintenance(table: table.table, chunkCount: chunks.count, entries: [])
            for step in plan.steps {
                guard goOn() else { break }
                let outcome = dryRun ? .planned : try perform(step, on: table.table)
                done.entries.append(.init(step: step, outcome: outcome))
            }
            result.append(done)
        }
        return result
    }

    /// Forgets lineage of batches after a week, events of positions after a month and entries that somebody died with
    /// after a day, in portions that hold up nobody.
    ///
    /// - Parameter goOn: asked between portions; `false` ends early.
    /// - Throws: when the connection is lost, or the schema lacks what is asked for.
    public func prune(while goOn: () -> Bool = { true }) throws(PostgresError) {
        _ = try connection.query("SELECT ingest.prune_position_events('30 days')", deadline: deadline)
        _ = try connection.query(
            "DELETE FROM ingest.suspect WHERE last_at < now() - interval '1 day'", deadline: deadline)
        while goOn() {
            let rows = try connection.query(
                """
                WITH old AS (SELECT batch FROM ingest.batch WHERE committed_at < now() - interval '7 days'
                              ORDER BY committed_at LIMIT 5000),
                     ranges AS (DELETE FROM ingest.batch_range r USING old WHERE r.batch = old.batch),
                     gone AS (DELETE FROM ingest.batch b USING old WHERE b.batch = old.batch RETURNING 1)
                SELECT count(*) AS n FROM gone
                """, deadline: deadline)
            guard try rows[0].requiredInteger("n") > 0 else { return }
        }
    }

    private var deadline: PostgresConnection.Deadline { .now + patience }

    // MARK: Acting

    private func observe(_ table: String) throws(PostgresError) {
        _ = try outcome("ingest.observe_chunks($1::regclass)", [table])
    }

    private func perform(
        _ step: MaintenanceStep, on table: String
    ) throws(PostgresError) -> TableMaintenance.Outcome {
        switch step {
        case .adjust: try outcome("cardinality(ingest.apply_lifecycle($1::regclass))", [table])
        case .make(let times):
            try outcome(
                "ingest.make_chunks($1::regclass, (SELECT array_agg(to_timestamp(t)) FROM unnest($2::float8[]) t))",
                [table, "{\(times.map(String.init).joined(separator: ","))}"])
        case .drop(let range, _): try outcome("ingest.drop_range" + Self.rangeArguments, [table] + Self.bounds(range))
        case .compress(let range, _):
            try outcome("ingest.compress_range" + Self.rangeArguments, [table] + Self.bounds(range))
        case .move(let range, _, _):
            try outcome("ingest.move_range" + Self.rangeArguments, [table] + Self.bounds(range))
        }
    }

    private static let rangeArguments = "($1::regclass, to_timestamp($2::float8), to_timestamp($3::float8))"

    private static func bounds(_ range: Range<Int64>) -> [String?] {
        [String(range.lowerBound), String(range.upperBound)]
    }

    /// Calls one of the schema's functions; the lock lasts as long as the statement.
    private func outcome(_ call: String, _ parameters: [String?]) throws(PostgresError) -> TableMaintenance.Outcome {
        do throws(PostgresError) {
            let rows = try connection.query(
                "SELECT CASE WHEN pg_try_advisory_xact_lock(\(Self.lock)) THEN \(call) END AS n", parameters,
                deadline: deadline)
            guard let count = try rows.first?.integer("n") else { return .later }
            return .done(Int(count))
        } catch {
            guard error.kind == .server, !error.isConnectionLost else { throw error }
            return error.sqlState?.code == "55P03" ? .later : .failed(error.message)
        }
    }

    private static let lock: Int64 = {
        var hash = StableHash()
        hash.combine("millrace maintenance")
        return Int64(bitPattern: hash.value)
    }()
}

// MARK: - Reading

extension Maintainer {
    private func readLimits() throws(PostgresError) -> [TableLimits] {
        let rows = try connection.query(
            """
            SELECT l.table_name, l.chunks_ahead, l.warm_tablespace, l.cold_tablespace,
                   ingest.tier() = 'community' AS can_compress, floor(extract(epoch FROM now()))::bigint AS now,
                   extract(epoch FROM l.chunk_interval)::bigint AS width,
                   floor(extract(epoch FROM now() - l.hot_for))::bigint AS hot_after,
                   floor(extract(epoch FROM now() - l.warm_for))::bigint AS warm_after,
                   floor(extract(epoch FROM now() - l.compress_after))::bigint AS compress_before,
                   floor(extract(epoch FROM now() - l.drop_after))::bigint AS drop_before,
                   floor(extract(epoch FROM now() - l.drop_grace))::bigint AS quiet_before
              FROM ingest.lifecycle l WHERE to_regclass(l.table_name) IS NOT NULL ORDER BY l.table_name
            """, deadline: deadline)
        var limits: [TableLimits] = []
        for row in rows {
            limits.append(
                TableLimits(
                    table: try row.requiredText("table_name"), now: try row.requiredInteger("now"),
                    width: try row.requiredInteger("width"), chunksAhead: Int(try row.requiredInteger("chunks_ahead")),
                    hotAfter: try row.requiredInteger("hot_after"), warmAfter: try row.requiredInteger("warm_after"),
                    compressBefore: try row.integer("compress_before"), dropBefore: try row.integer("drop_before"),
                    quietBefore: try row.requiredInteger("quiet_before"),
                    warmTablespace: try row.text("warm_tablespace"), coldTablespace: try row.text("cold_tablespace"),
                    canCompress: try row.isTrue("can_compress")))
        }
        return limits
    }

    private func readChunks(of table: String) throws(PostgresError) -> [Chunk] {
        let rows = try connection.query(
            """
            SELECT k.chunk, k.is_compressed, k.tablespace, extract(epoch FROM k.range_start)::bigint AS lo,
                   extract(epoch FROM k.range_end)::bigint AS hi,
                   CASE WHEN w.writes = k.writes THEN ceil(extract(epoch FROM w.last_write))::bigint END AS last_write
              FROM ingest.chunks($1::regclass) k LEFT JOIN ingest.chunk_write w ON w.chunk = k.chunk
            """, [table], deadline: deadline)
        var chunks: [Chunk] = []
        for row in rows {
            let start = try row.requiredInteger("lo")
            chunks.append(
                Chunk(
                    name: try row.requiredText("chunk"), range: start..<max(start, try row.requiredInteger("hi")),
                    isCompressed: try row.isTrue("is_compressed"), tablespace: try row.text("tablespace"),
                    lastWrite: try row.integer("last_write")))
        }
        return chunks
    }

    private func readAdjustments(of table: String) throws(PostgresError) -> [String] {
        let rows = try connection.query(
            "SELECT s FROM unnest(ingest.lifecycle_statements($1::regclass)) WITH ORDINALITY AS u(s, n) ORDER BY n",
            [table],
            deadline: deadline)
        var statements: [String] = []
        for row in rows { statements.append(try row.requiredText("s")) }
        return statements
    }
}
