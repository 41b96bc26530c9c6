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
    @Test(arguments: TestDatabase.Tier.allCases)
    func goesUpDownAndUpAgain(_ tier: TestDatabase.Tier) async throws {
        let database = try await TestDatabase.on(tier)
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
                try connection.execute(Self.someRows, deadline: .soon)
                #expect(try migrator.down(target: 0).count == Migration.shipped.count)
                let left = try connection.query(
                    """
                    SELECT count(*) AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
                     WHERE s.nspname IN ('ingest', 'public') AND c.relkind IN ('r', 'v', 'S')
                       AND c.relname NOT LIKE 'migration%'
                       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                    """, deadline: .soon)
                #expect(try left[0].integer("n") == 0)
            }
        }
    }

    /// Data in every kind of table: a step down must not fail on it.
    private static let someRows = """
        INSERT INTO market_data_trades (time, exchange, symbol, price, amount, side) VALUES (now(), 'X', 'A', 1, 1, 'buy');
        INSERT INTO market_data_ticker (time, exchange, symbol, bid_price) VALUES (now(), 'X', 'A', 1);
        INSERT INTO market_data_ohlcv (time, exchange, symbol, timeframe, open, high, low, close, volume)
          VALUES (now(), 'X', 'A', '1m', 1, 1, 1, 1, 1);
        INSERT INTO orders (exchange_order_id, exchange, symbol, type, side, amount, status)
          VALUES ('1', 'X', 'A', 'limit', 'buy', 1, 'open');
        INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
          VALUES ('r', 0, 's', 'g', '00000000-0000-0000-0000-000000000001');
        INSERT INTO ingest.batch (batch, worker, lane, tables, rows, duplicates, letters, bytes, sealed_by)
          VALUES ('00000000-0000-0000-0000-000000000001', 'w', 0, '{t}', 1, 0, 0, 1, 'rows')
        """

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
            // Roles are the cluster's: somebody who may has made them.
            _ = try Migrator(admin).up()
            _ = try Migrator(admin).down(target: 0)
            try admin.execute("DROP SCHEMA ingest CASCADE", deadline: .soon)
            let role = "owner_\(admin.serverProcessID)"
            let name = try admin.query("SELECT current_database() AS d", deadline: .soon)[0].requiredText("d")
            try admin.execute(
                "CREATE ROLE \(role) NOLOGIN; ALTER DATABASE \(SQLText.quoteIdentifier(name)) OWNER TO \(role); "
                    + "GRANT \(role) TO current_user", deadline: .soon)
            let connection = try database.connect()
            try connection.execute("SET ROLE \(role)", deadline: .soon)
            do throws(MigrationFailure) {
                _ = try Migrator(connection).up()
                Issue.record("who is no member of millrace_owner cannot give it the schema")
            } catch {
                #expect("\(error)".contains("is no member of millrace_owner"))
            }
            try admin.execute("GRANT millrace_owner TO \(role)", deadline: .soon)
            _ = try Migrator(connection).up()
            try Migrator(connection).requireCurrent()
            #expect(try Migrator(connection).down(target: 0).count == Migration.shipped.count)
        }
    }

    @Test(arguments: TestDatabase.Tier.allCases)
    func twentyMigratorsRunEachStepOnce(_ tier: TestDatabase.Tier) async throws {
        let database = try await TestDatabase.on(tier)
        let runs = try await withThrowingTaskGroup(of: [Int].self) { group in
            for number in 0..<20 {
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
}
