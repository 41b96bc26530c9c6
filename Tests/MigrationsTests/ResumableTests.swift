import IngestTesting
import PostgresWire
import Testing

@testable import Migrations

@Suite struct ResumableTests {
    private static let base = Migration(1, "base", up: "CREATE TABLE big (a int, b int)", down: "DROP TABLE big")

    private func step(_ statements: String...) -> Migration {
        Migration(
            2, "index",
            up: ([Migration.outsideMark] + [statements.joined(separator: "\n\(Migration.nextMark)\n")])
                .joined(separator: "\n"), down: "SELECT 1")
    }

    @Test func indexesAreBuiltConcurrentlyByTwentyAtOnce() async throws {
        let database = try await TestDatabase()
        let known = [
            Self.base, step("CREATE INDEX CONCURRENTLY one ON big (a)", "CREATE INDEX CONCURRENTLY two ON big (b)"),
        ]
        let runs = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await onThread {
                        try Migrator(try database.connect(), known: known).up().map(\.migration.number)
                    }
                }
            }
            return try await group.reduce(into: [Int]()) { $0 += $1 }
        }
        #expect(runs.sorted() == [1, 2])
    }

    @Test func aRunThatWasInterruptedGoesOnWhereItStopped() async throws {
        let database = try await TestDatabase()
        let broken = [
            Self.base,
            step(
                "CREATE TABLE once (a int)", "CREATE UNIQUE INDEX CONCURRENTLY one ON big (a)", "CREATE TABLE last ()"),
        ]
        try await onThread {
            let connection = try database.connect()
            _ = try Migrator(connection, known: broken).up(maxSteps: 1)
            try connection.execute("INSERT INTO big VALUES (1, 1), (1, 2)", deadline: .soon)
            do throws(MigrationFailure) {
                _ = try Migrator(connection, known: broken).up()
                Issue.record("the values are not unique")
            } catch {
                #expect("\(error)".contains("m0002_index.up.sql"))
            }
            // The table stands, an invalid index is left behind, and the step is not recorded.
            #expect(try Migrator(connection, known: broken).status().applied.map(\.number) == [1])
            try connection.execute("DELETE FROM big WHERE b = 2", deadline: .soon)
            #expect(try Migrator(connection, known: broken).up().map(\.migration.number) == [2])
            let facts = try connection.query(
                """
                SELECT (SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = 'one'::regclass) AS valid,
                       to_regclass('last') IS NOT NULL AS ended,
                       NOT EXISTS (SELECT FROM ingest.migration_progress) AS clean
                """, deadline: .soon)
            #expect(try facts[0].isTrue("valid"))
            #expect(try facts[0].isTrue("ended"))
            #expect(try facts[0].isTrue("clean"))
        }
    }

    @Test func aBaselineThatFailsHalfWayLeavesNoRecord() async throws {
        let database = try await TestDatabase()
        let known = (1...3).map { Migration($0, "step\($0)", up: "SELECT 1", down: "SELECT 1") }
        try await onThread {
            let connection = try database.connect()
            let migrator = Migrator(connection, known: known)
            try migrator.bootstrap()
            try connection.execute("ALTER TABLE ingest.migration ADD CHECK (number <> 2)", deadline: .soon)
            #expect(throws: MigrationFailure.self) { try migrator.baseline(3) }
            #expect(try migrator.status().applied.isEmpty)
            #expect(connection.transactionStatus == .idle)
            try connection.execute(
                "ALTER TABLE ingest.migration DROP CONSTRAINT migration_number_check", deadline: .soon)
            try migrator.baseline(3)
            try migrator.requireCurrent()
        }
    }

    /// Of two at once one is told that there is a record, whoever comes first.
    @Test func aBaselineWaitsForOtherMigrators() async throws {
        let database = try await TestDatabase()
        let known = [Self.base]
        let runs = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await onThread {
                        let migrator = Migrator(try database.connect(), known: known)
                        do throws(MigrationFailure) {
                            try migrator.baseline(1)
                            return true
                        } catch {
                            guard case .problem(.hasRecord(current: 1)) = error else { throw error }
                            return false
                        }
                    }
                }
            }
            return try await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(runs.count { $0 } == 1)
    }

    @Test func aBaselineTakesOverADatabaseAndRunsOnlyTheRest() async throws {
        let database = try await TestDatabase()
        let known = [Self.base, Migration(2, "more", up: "ALTER TABLE big ADD c int", down: "SELECT 1")]
        try await onThread {
            let connection = try database.connect()
            try connection.execute("CREATE TABLE big (a int, b int)", deadline: .soon)
            let migrator = Migrator(connection, known: known)
            try migrator.baseline(1)
            #expect(try migrator.up().map(\.migration.number) == [2])
            do throws(MigrationFailure) {
                try migrator.baseline(1)
                Issue.record("there is a record already")
            } catch {
                if case .problem(let problem) = error { #expect(problem == .hasRecord(current: 2)) }
            }
        }
    }
}
