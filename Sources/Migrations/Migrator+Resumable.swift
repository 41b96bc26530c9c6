import Glibc
import PostgresWire

/// Steps that PostgreSQL does not allow in a transaction, such as CREATE INDEX CONCURRENTLY: their statements run one
/// by one, and each is noted, so that a run that was interrupted goes on where it stopped.
///
/// The file says so in its first line, `-- millrace: no-transaction`; a line `-- millrace: next` stands between
/// statements. Every statement must be repeatable: it may have run without having been noted.
extension Migration {
    static let outsideMark = "-- millrace: no-transaction"
    static let nextMark = "-- millrace: next"

    func sql(_ direction: MigrationPlan.Direction) -> String { direction == .up ? up : down }

    /// The statements of a step that runs outside a transaction; `nil` for one that runs inside.
    func statements(_ direction: MigrationPlan.Direction) -> [String]? {
        let lines = sql(direction).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == Self.outsideMark[...] else { return nil }
        return lines.dropFirst().split(separator: Self.nextMark[...]).map { $0.joined(separator: "\n") }
    }
}

extension Migrator {
    /// Runs the statements that are left of a step. The caller holds the lock of the session, not of a transaction.
    func performOutside(
        _ migration: Migration, _ direction: MigrationPlan.Direction, _ statements: [String]
    ) throws(PostgresError) {
        let word = direction == .up ? "up" : "down"
        let number = String(migration.number)
        let noted = try connection.query(
            "SELECT statements FROM ingest.migration_progress WHERE number = $1 AND direction = $2", [number, word],
            deadline: deadline)
        let done = Int(try noted.first?.integer("statements") ?? 0)
        for (index, statement) in statements.enumerated().dropFirst(done) {
            try dropInvalidIndexes(namedIn: statement)
            try connection.execute(statement, deadline: deadline)
            _ = try connection.query(
                """
                INSERT INTO ingest.migration_progress (number, direction, statements) VALUES ($1, $2, $3)
                ON CONFLICT (number, direction) DO UPDATE SET statements = excluded.statements
                """, [number, word, String(index + 1)], deadline: deadline)
        }
        try connection.execute("BEGIN", deadline: deadline)
        _ = try connection.query(
            "DELETE FROM ingest.migration_progress WHERE number = $1", [number], deadline: deadline)
        try note(migration, direction)
    }

    /// A concurrent index build that was interrupted leaves an index that nobody uses and that IF NOT EXISTS takes for
    /// the whole one.
    private func dropInvalidIndexes(namedIn statement: String) throws(PostgresError) {
        let words = Set(statement.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
        let invalid = try connection.query(
            """
            SELECT n.nspname AS schema, c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE NOT i.indisvalid AND n.nspname IN ('public', 'ingest') AND c.relkind = 'i'
            """, deadline: deadline)
        for row in invalid {
            let name = try row.requiredText("name")
            guard words.contains(name) else { continue }
            let schema = try SQLText.quoteIdentifier(try row.requiredText("schema"))
            let index = try SQLText.quoteIdentifier(name)
            try connection.execute("DROP INDEX CONCURRENTLY IF EXISTS \(schema).\(index)", deadline: deadline)
        }
    }

    /// Waits for the migrators' lock without a snapshot: a concurrent index build waits for all older snapshots, and
    /// would wait for ever for one that waits for it.
    func waitForLock(_ take: String) throws(PostgresError) {
        let end = deadline
        while true {
            if try connection.query(take, deadline: end).first?.isTrue("taken") == true { return }
            guard .now < end else {
                throw PostgresError(.timeout, message: "waiting for another migration to end")
            }
            usleep(50_000)
        }
    }

    /// Takes over a database whose schema was made without this program: writes down that it has the first `number`
    /// steps, and runs nothing. Whether it is so, ``SchemaDrift`` tells.
    /// - Throws: a problem when the database has a record of migrations already.
    public func baseline(_ number: Int) throws(MigrationFailure) {
        guard (1...known.count).contains(number) else {
            throw .problem(.noSuchTarget(number, newest: known.count))
        }
        try requireNoRecord()
        try wrapped { () throws(PostgresError) in try bootstrap() }
        try locked { () throws(MigrationFailure) in
            try requireNoRecord()
            try wrapped { () throws(PostgresError) in try note(known.prefix(number)) }
        }
    }

    private func requireNoRecord() throws(MigrationFailure) {
        let applied = try status().applied.count
        guard applied == 0 else { throw .problem(.hasRecord(current: applied)) }
    }

    /// One statement: all of them or none.
    private func note(_ migrations: ArraySlice<Migration>) throws(PostgresError) {
        func array(_ values: [String]) -> String { "{\(values.joined(separator: ","))}" }
        _ = try connection.query(
            """
            INSERT INTO ingest.migration (number, name, checksum)
            SELECT * FROM unnest($1::int[], $2::text[], $3::text[])
            """,
            [
                array(migrations.map { String($0.number) }), array(migrations.map(\.name)),
                array(migrations.map(\.checksum)),
            ], deadline: deadline)
    }
}
