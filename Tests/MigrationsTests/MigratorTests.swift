import IngestTesting
import LocalServices
import PostgresWire
import Testing

@testable import Migrations

private func problem<R>(_ body: () throws(MigrationFailure) -> R) -> MigrationProblem? {
    do throws(MigrationFailure) {
        _ = try body()
        return nil
    } catch {
        guard case .problem(let problem) = error else { return nil }
        return problem
    }
}

@Suite struct MigratorTests {
    @Test func goesUpDownAndUpAgain() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let migrator = Migrator(connection)
            #expect(try migrator.status().pending.map(\.number) == Migration.shipped.map(\.number))
            #expect(
                problem { () throws(MigrationFailure) in try migrator.requireCurrent() }
                    == .behind(current: 0, newest: Migration.shipped.count))
            for _ in 0..<2 {
                #expect(try migrator.up().count == Migration.shipped.count)
                #expect(try migrator.up().isEmpty)
                try migrator.requireCurrent()
                try connection.execute("SELECT * FROM market_data_trades, ingest.status LIMIT 0", deadline: .soon)
                #expect(try migrator.down(target: 0).count == Migration.shipped.count)
                let left = try connection.query(
                    """
                    SELECT count(*) AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
                     WHERE s.nspname IN ('ingest', 'public') AND c.relkind IN ('r', 'v', 'S')
                       AND c.relname <> 'migration'
                       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                    """, deadline: .soon)
                #expect(try left[0].integer("n") == 0)
            }
        }
    }

    @Test func makesHypertablesOfADay() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            _ = try Migrator(connection).up()
            let dimensions = try connection.query(
                """
                SELECT hypertable_name AS t, column_name AS c, extract(epoch FROM time_interval)::bigint AS s,
                       num_partitions AS p
                  FROM timescaledb_information.dimensions ORDER BY 1, dimension_number
                """, deadline: .soon)
            let found = try dimensions.map { row in
                let extent = try row.text("s")
                let partitions = try row.text("p")
                return [try row.text("t") ?? "", try row.text("c") ?? "", extent ?? partitions ?? ""]
            }
            #expect(
                found == [
                    ["market_data_ohlcv", "time", "86400"], ["market_data_ohlcv", "symbol", "10"],
                    ["market_data_orderbook", "time", "86400"], ["market_data_ticker", "time", "86400"],
                    ["market_data_trades", "time", "86400"],
                ])
            let indexes = try connection.query(
                "SELECT indexname AS i FROM pg_indexes WHERE schemaname = 'public' AND tablename LIKE 'market%' ORDER BY 1",
                deadline: .soon)
            #expect(
                try indexes.map { try $0.text("i") } == [
                    "idx_ohlcv_exchange_symbol_time", "idx_orderbook_exchange_symbol_time",
                    "idx_ticker_exchange_symbol_time", "idx_trades_exchange_symbol_time",
                ])
        }
    }

    @Test func needsNoSuperuser() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let admin = try database.connect()
            let role = "owner_\(admin.serverProcessID)"
            let name = try admin.query("SELECT current_database() AS d", deadline: .soon)[0].requiredText("d")
            try admin.execute(
                "CREATE ROLE \(role) NOLOGIN; ALTER DATABASE \(SQLText.quoteIdentifier(name)) OWNER TO \(role); "
                    + "GRANT \(role) TO current_user", deadline: .soon)
            let connection = try database.connect()
            try connection.execute("SET ROLE \(role)", deadline: .soon)
            #expect(try Migrator(connection).up().count == Migration.shipped.count)
        }
    }

    @Test func tenMigratorsRunEachStepOnce() async throws {
        let database = try await TestDatabase()
        let runs = try await withThrowingTaskGroup(of: [Int].self) { group in
            for number in 0..<10 {
                group.addTask {
                    try await onThread {
                        let connection = try database.connect("millrace/test/\(number)")
                        return try Migrator(connection).up().map(\.migration.number)
                    }
                }
            }
            return try await group.reduce(into: [Int]()) { $0 += $1 }
        }
        #expect(runs.sorted() == Migration.shipped.map(\.number))
        try await onThread {
            try Migrator(database.connect()).requireCurrent()
        }
    }

    @Test func refusesAnEditedMigration() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let migrator = Migrator(connection)
            _ = try migrator.up()
            try connection.execute(
                "UPDATE ingest.migration SET checksum = 'deadbeefdeadbeef' WHERE number = 1", deadline: .soon)
            let edited = MigrationProblem.edited(fileStem: "m0001_ingest_ledger", applied: "m0001_ingest_ledger")
            #expect(problem { () throws(MigrationFailure) in try migrator.up() } == edited)
            #expect(problem { () throws(MigrationFailure) in try migrator.down() } == edited)
            #expect(problem { () throws(MigrationFailure) in try migrator.requireCurrent() } == edited)
            #expect(try migrator.status().problems == [edited])
        }
    }

    @Test func aFailedStepLeavesTheEarlierOnes() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let steps = [
                Migration(1, "good", up: "CREATE TABLE good (a int)", down: "DROP TABLE good"),
                Migration(2, "bad", up: "CREATE TABLE half (a int); SELECT 1/0", down: "SELECT 1"),
            ]
            let migrator = Migrator(connection, known: steps)
            do throws(MigrationFailure) {
                _ = try migrator.up()
                Issue.record("the second step must fail")
            } catch {
                if case .step(let file, let cause) = error {
                    #expect(file == "m0002_bad.up.sql")
                    #expect(cause.sqlState == SQLState("22012"))
                } else {
                    Issue.record("\(error)")
                }
            }
            #expect(connection.transactionStatus == .idle)
            #expect(try migrator.status().applied.map(\.number) == [1])
            let half = try connection.query("SELECT to_regclass('half') IS NULL AS gone", deadline: .soon)
            #expect(try half[0].isTrue("gone"))
        }
    }

    @Test func aDryRunChangesNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let migrator = Migrator(connection)
            #expect(try migrator.up(dryRun: true).count == Migration.shipped.count)
            let schema = try connection.query("SELECT to_regnamespace('ingest') IS NULL AS gone", deadline: .soon)
            #expect(try schema[0].isTrue("gone"))
            #expect(try migrator.up(maxSteps: 1).map(\.migration.number) == [1])
            #expect(try migrator.down(dryRun: true).map(\.migration.number) == [1])
            #expect(try migrator.status().applied.count == 1)
        }
    }

    @Test func installsOnPlainPostgreSQL() async throws {
        let postgres = try await TestServices.shared.postgres()
        let name = "plain_\(UInt32.random(in: 0...UInt32.max))"
        try await postgres.createDatabase(named: name, withTimescaleDB: false)
        let url = postgres.url(database: name)
        try await onThread {
            let connection = try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "x")
            // As a server without the library would answer: nothing to detect.
            let steps = Migration.shipped.map { step in
                Migration(
                    step.number, step.name,
                    up: step.up.replacing("timescaledb.disable_load", with: "timescaledb.absent"), down: step.down)
            }
            _ = try Migrator(connection, known: steps).up()
            let extensions = try connection.query(
                "SELECT count(*) AS n FROM pg_extension WHERE extname = 'timescaledb'", deadline: .soon)
            #expect(try extensions[0].integer("n") == 0)
            try connection.execute("SELECT * FROM market_data_ohlcv", deadline: .soon)
        }
    }
}
