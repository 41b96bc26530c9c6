public import PostgresWire

/// Why a migration did not run.
public enum MigrationFailure: Error, Sendable {
    case problem(MigrationProblem)
    /// The file's SQL failed; the step was rolled back, earlier ones stay.
    case step(file: String, PostgresError)
    case postgres(PostgresError)
}

extension MigrationFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .problem(let problem): problem.description
        // The message is about our own SQL and the schema, and without it nobody could help.
        case .step(let file, let error): "migration \(file): \(error.explanation)"
        case .postgres(let error): error.description
        }
    }
}

/// Brings the schema of one database up and down.
///
/// Each step runs in a transaction of its own where PostgreSQL allows it, under a lock that all migrators of a database
/// share: of many that start together each step is run by one, and the others wait and find it done. Uses the
/// connection it was made with, on the thread it is called on.
public struct Migrator {
    /// The schema of a database beside the steps of this program.
    public struct Status: Sendable {
        /// Ascending.
        public var applied: [AppliedMigration]
        public var pending: [Migration]
        /// Everything that keeps this program from using or changing the schema.
        public var problems: [MigrationProblem]
    }

    /// One step that was run, or would be.
    public struct Step: Sendable {
        public var direction: MigrationPlan.Direction
        public var migration: Migration
    }

    let connection: PostgresConnection
    let known: [Migration]
    private let patience: Duration

    /// - Parameters:
    ///   - connection: a session of the schema's owner; ``status()`` and ``requireCurrent()`` need only SELECT on
    ///     `ingest.migration`.
    ///   - patience: longest time for one call to the server, waiting for other migrators included.
    public init(
        _ connection: PostgresConnection, known: [Migration] = Migration.shipped, patience: Duration = .seconds(600)
    ) {
        self.connection = connection
        self.known = known
        self.patience = patience
    }

    /// What the database has; reads only.
    public func status() throws(MigrationFailure) -> Status {
        let applied = try wrapped { () throws(PostgresError) in try readApplied() }
        return Status(
            applied: applied, pending: known.filter { $0.number > applied.count },
            problems: MigrationPlan.problems(known: known, applied: applied))
    }

    /// Throws unless the schema is exactly the one this program was made for; the error says what to do.
    public func requireCurrent() throws(MigrationFailure) {
        let status = try status()
        if let problem = status.problems.first { throw .problem(problem) }
        if !status.pending.isEmpty {
            throw .problem(.behind(current: status.applied.count, newest: known.count))
        }
    }

    /// Runs the steps that are missing, and gives those that this call ran (with `dryRun`: would run).
    public func up(
        target: Int? = nil, maxSteps: Int? = nil, dryRun: Bool = false
    ) throws(MigrationFailure) -> [Step] {
        try run(.up, target: target, maxSteps: maxSteps, dryRun: dryRun)
    }

    /// Takes back the newest step, or as many as asked for. What they made is dropped, data included.
    public func down(
        target: Int? = nil, maxSteps: Int? = nil, dryRun: Bool = false
    ) throws(MigrationFailure) -> [Step] {
        try run(.down, target: target, maxSteps: maxSteps ?? (target == nil ? 1 : nil), dryRun: dryRun)
    }

    private func run(
        _ direction: MigrationPlan.Direction, target: Int?, maxSteps: Int?, dryRun: Bool
    ) throws(MigrationFailure) -> [Step] {
        let applied = try wrapped { () throws(PostgresError) in try readApplied() }
        let plan = try makePlan(direction, applied, target: target, maxSteps: maxSteps)
        let planned = plan.steps.map { Step(direction: direction, migration: $0) }
        guard !dryRun, let last = planned.last?.migration.number else { return planned }
        try wrapped { () throws(PostgresError) in try bootstrap() }
        // Others may run the same plan: from here on the state it leads to counts, not the number of steps.
        let goal = direction == .up ? last : last - 1
        var done: [Step] = []
        while let step = try runNext(direction, goal: goal) { done.append(step) }
        return done
    }

    /// Runs the next step towards the goal, unless somebody else has done so. After a failure nothing of it is left.
    private func runNext(_ direction: MigrationPlan.Direction, goal: Int) throws(MigrationFailure) -> Step? {
        do throws(MigrationFailure) {
            return try attemptNext(direction, goal: goal)
        } catch {
            // A session that cannot be reset is closed by the attempt.
            try? connection.reset(deadline: deadline)
            throw error
        }
    }

    private func attemptNext(_ direction: MigrationPlan.Direction, goal: Int) throws(MigrationFailure) -> Step? {
        try locked { () throws(MigrationFailure) in
            let applied = try wrapped { () throws(PostgresError) in try readApplied() }
            guard let next = try makePlan(direction, applied, target: goal, maxSteps: 1).steps.first else { return nil }
            try perform(next, direction)
            return Step(direction: direction, migration: next)
        }
    }

    /// Waits until no other migrator of the database is at work, and keeps them waiting.
    func locked<R>(_ body: () throws(MigrationFailure) -> R) throws(MigrationFailure) -> R {
        try wrapped { () throws(PostgresError) in
            try waitForLock("SELECT pg_try_advisory_lock(\(Self.lock)) AS taken")
        }
        let result: R
        do throws(MigrationFailure) {
            result = try body()
        } catch {
            unlock()
            throw error
        }
        unlock()
        return result
    }

    /// A session that cannot be reset is closed, and its lock goes with it.
    private func unlock() {
        try? connection.reset(deadline: deadline)
        _ = try? connection.query("SELECT pg_advisory_unlock(\(Self.lock))", deadline: deadline)
    }

    private func perform(_ migration: Migration, _ direction: MigrationPlan.Direction) throws(MigrationFailure) {
        let file = "\(migration.fileStem).\(direction == .up ? "up" : "down").sql"
        do throws(PostgresError) {
            if let statements = migration.statements(direction) {
                return try performOutside(migration, direction, statements)
            }
            try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", deadline: deadline)
            try connection.execute(migration.sql(direction), deadline: deadline)
            try note(migration, direction)
        } catch {
            throw .step(file: file, error)
        }
    }

    /// Ends the open transaction with the record of the step.
    func note(_ migration: Migration, _ direction: MigrationPlan.Direction) throws(PostgresError) {
        switch direction {
        case .up:
            _ = try connection.query(
                "INSERT INTO ingest.migration (number, name, checksum) VALUES ($1, $2, $3)",
                [String(migration.number), migration.name, migration.checksum], deadline: deadline)
        case .down:
            _ = try connection.query(
                "DELETE FROM ingest.migration WHERE number = $1", [String(migration.number)], deadline: deadline)
        }
        let tag = try connection.execute("COMMIT", deadline: deadline)
        guard tag == "COMMIT" else { throw PostgresError(.unexpectedResult, message: "COMMIT answered \(tag)") }
    }

    private func makePlan(
        _ direction: MigrationPlan.Direction, _ applied: [AppliedMigration], target: Int?, maxSteps: Int?
    ) throws(MigrationFailure) -> MigrationPlan {
        do throws(MigrationProblem) {
            return try MigrationPlan(direction, known: known, applied: applied, target: target, maxSteps: maxSteps)
        } catch {
            throw .problem(error)
        }
    }

    private func readApplied() throws(PostgresError) -> [AppliedMigration] {
        let there = try connection.query(
            "SELECT to_regclass('ingest.migration') IS NOT NULL AS there", deadline: deadline)
        guard let row = there.first, try row.isTrue("there") else { return [] }
        let rows = try connection.query(
            "SELECT number, name, checksum, applied_at FROM ingest.migration ORDER BY number", deadline: deadline)
        var applied: [AppliedMigration] = []
        for row in rows {
            applied.append(
                AppliedMigration(
                    number: Int(try row.requiredInteger("number")), name: try row.requiredText("name"),
                    checksum: try row.requiredText("checksum"), appliedAt: try row.text("applied_at")))
        }
        return applied
    }

    /// The table of migrations must be there before the first one.
    func bootstrap() throws(PostgresError) {
        do throws(PostgresError) {
            try connection.execute(
                """
                BEGIN; SELECT pg_advisory_xact_lock(\(Self.bootstrapLock));
                CREATE SCHEMA IF NOT EXISTS ingest;
                CREATE TABLE IF NOT EXISTS ingest.migration (
                  number     int         PRIMARY KEY,
                  name       text        NOT NULL,
                  checksum   text        NOT NULL,
                  applied_at timestamptz NOT NULL DEFAULT now(),
                  applied_by text        NOT NULL DEFAULT current_user
                );
                COMMENT ON TABLE ingest.migration IS 'Which migrations this database has';
                CREATE TABLE IF NOT EXISTS ingest.migration_progress (
                  number     int  NOT NULL,
                  direction  text NOT NULL CHECK (direction IN ('up', 'down')),
                  statements int  NOT NULL,
                  PRIMARY KEY (number, direction)
                );
                COMMENT ON TABLE ingest.migration_progress IS
                  'How far a migration has come that cannot run in one transaction; empty when none is under way';
                COMMENT ON COLUMN ingest.migration_progress.number IS 'The migration';
                COMMENT ON COLUMN ingest.migration_progress.direction IS 'up or down';
                COMMENT ON COLUMN ingest.migration_progress.statements IS 'How many of its statements have run';
                COMMIT
                """, deadline: deadline)
        } catch {
            try? connection.reset(deadline: deadline)
            throw error
        }
    }

    /// Of the session: `postgres.direct_url` leads past a transaction pooler.
    private static let lock = lockNumber("millrace migrations")
    private static let bootstrapLock = lockNumber("millrace migrations begin")

    private static func lockNumber(_ name: String) -> Int64 {
        var hash = StableHash()
        hash.combine(name)
        return Int64(bitPattern: hash.value)
    }

    var deadline: PostgresConnection.Deadline { .now + patience }

    func wrapped<R>(_ body: () throws(PostgresError) -> R) throws(MigrationFailure) -> R {
        do throws(PostgresError) {
            return try body()
        } catch {
            throw .postgres(error)
        }
    }
}
