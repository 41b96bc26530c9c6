import Migrations

/// Asks the database what became of the demo's entries.
struct DemoChecks {
    let database: PrivateDatabase

    /// Entries that the ledger says are stored or dead.
    func recordedEntries() async throws -> Int {
        Int(try await database.numbers("SELECT coalesce(sum(n), 0) AS n FROM ingest.ledger")["n"] ?? 0)
    }

    /// Rows of each table.
    func rows() async throws -> [String: Int] {
        let parts = ExpectedRows.names.map { "SELECT '\($0)' AS name, count(*) AS count FROM \($0)" }
        return try await database.counts(parts.joined(separator: " UNION ALL "))
    }

    /// From the millisecond in an entry's id to the moment its transaction was durable, of all entries since a moment.
    ///
    /// The entries of one range are taken to be evenly spread over it: at a steady rate they are.
    func latency(rate: Int, entries: Int, sinceMicroseconds begin: Int64) async throws -> DemoReport.Steady {
        let values = try await database.numbers(
            """
            WITH stretch AS (
              SELECT ('x' || left(replace(lo::text, '-', ''), 16))::bit(64)::bigint AS first,
                     ('x' || left(replace(hi::text, '-', ''), 16))::bit(64)::bigint AS last, n,
                     extract(epoch FROM pg_xact_commit_timestamp(batch.xmin)) * 1000 AS committed
                FROM ingest.batch_range JOIN ingest.batch USING (batch)),
            entry AS (
              SELECT committed - (first + (last - first) * (k + 0.5) / n) AS milliseconds
                FROM stretch, generate_series(0, n - 1) AS k WHERE first >= $1::bigint)
            SELECT count(*) AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) AS p50,
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY milliseconds) AS p99 FROM entry
            """, [String(begin / 1000)])
        return DemoReport.Steady(rate: rate, entries: entries, p50: values["p50"] ?? 0, p99: values["p99"] ?? 0)
    }

    /// From the first transaction's begin to the last one's end.
    func speed(entries: Int, sinceMicroseconds begin: Int64) async throws -> DemoReport.Speed {
        let values = try await database.numbers(
            """
            SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - min(committed_at)) AS seconds
              FROM ingest.batch WHERE committed_at >= to_timestamp($1::numeric / 1000000)
            """, [String(begin)])
        return DemoReport.Speed(entries: entries, seconds: values["seconds"] ?? 0)
    }

    /// All that was published beside all that is there.
    func report(
        expected: ExpectedRows, garbage: [String: Int], pending: Int, steady: DemoReport.Steady,
        speed: DemoReport.Speed, source: String, tier: DatabaseTier, elapsed: Duration
    ) async throws -> DemoReport {
        let stored = try await rows()
        let tables = ExpectedRows.names.map { name in
            let want = expected.tables[name] ?? .init()
            return DemoReport.Target(
                name: name, entries: want.entries, rows: stored[name] ?? 0, expected: want.rows)
        }
        let batches = try await database.numbers(
            """
            SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(duplicates), 0) AS duplicates,
                   coalesce(sum(letters), 0) AS letters, count(*) AS batches FROM ingest.batch
            """)
        let letters = try await database.counts(
            "SELECT cause AS name, count(*) AS count FROM ingest.dead_letter GROUP BY cause")
        let ledger = DemoReport.Ledger(
            entries: try await recordedEntries(), written: Int(batches["rows"] ?? 0),
            duplicates: Int(batches["duplicates"] ?? 0), letters: Int(batches["letters"] ?? 0),
            batches: Int(batches["batches"] ?? 0))
        return DemoReport(
            source: source, tier: tier.sentence, tables: tables, ledger: ledger, garbage: garbage, deadLetters: letters,
            pending: pending, steady: steady, speed: speed, elapsed: elapsed)
    }
}
