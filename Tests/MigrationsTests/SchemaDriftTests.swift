import Foundation
import IngestTesting
import PostgresWire
import Testing

@testable import Migrations

@Suite struct SchemaDriftTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../sql/catalog.txt").standardized

    /// `MILLRACE_WRITE_CATALOG=1 swift test --filter SchemaDriftTests` writes the expectation anew.
    @Test(arguments: TestDatabase.Tier.allCases)
    func whatTheMigrationsMakeIsWhatIsExpectedOnEveryTier(_ tier: TestDatabase.Tier) async throws {
        let database = try await TestDatabase.on(tier)
        try await onThread {
            let connection = try database.connect()
            _ = try Migrator(connection).up()
            let catalog = try SchemaDrift.catalog(of: connection)
            if ProcessInfo.processInfo.environment["MILLRACE_WRITE_CATALOG"] != nil, tier == .timescaleDB {
                let head = "# What the migrations make; see Sources/Migrations/SchemaDrift.swift. Made by a test.\n"
                try Data((head + catalog.joined(separator: "\n") + "\n").utf8).write(to: Self.file)
            }
            #expect(SchemaDrift(found: catalog, expected: SchemaDrift.expected).differences == [])
            #expect(SchemaDrift(found: SchemaDrift.expected, expected: catalog).differences == [])
        }
    }

    @Test(arguments: [
        ("ALTER TABLE orders DROP COLUMN fee", "column public.orders.fee is missing"),
        ("ALTER TABLE market_data_trades DROP COLUMN type", "column public.market_data_trades.type is missing"),
        ("DROP INDEX idx_orders_created_at", "index idx_orders_created_at on public.orders is missing"),
        ("ALTER TABLE orders DROP CONSTRAINT orders_key", "constraint public.orders.orders_key is missing"),
        ("ALTER TABLE orders ALTER COLUMN fee TYPE numeric(20,8)", "column public.orders.fee is not as made"),
        ("ALTER TABLE orders ALTER COLUMN status DROP NOT NULL", "column public.orders.status is not as made"),
        ("DROP VIEW latest_ticker", "view public.latest_ticker is missing"),
        (
            "CREATE OR REPLACE FUNCTION ingest.tier() RETURNS text LANGUAGE sql AS $$SELECT 'x'::text$$",
            "function ingest.tier() is not as made"
        ),
    ])
    func driftIsNamed(_ change: String, _ difference: String) async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            _ = try Migrator(connection).up()
            try connection.execute(change, deadline: .soon)
            let differences = try SchemaDrift(connection).differences
            #expect(differences.contains { $0.hasPrefix(difference) }, "\(differences)")
        }
    }

    @Test func whatSomebodyAddedIsTheirs() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            _ = try Migrator(connection).up()
            try connection.execute(
                "ALTER TABLE orders ADD note text; CREATE INDEX mine ON orders (note); CREATE TABLE my_own (a int)",
                deadline: .soon)
            #expect(try SchemaDrift(connection).differences == [])
        }
    }

    /// `\d+` has to explain itself.
    @Test(arguments: TestDatabase.Tier.allCases)
    func everyTableAndColumnHasAComment(_ tier: TestDatabase.Tier) async throws {
        let database = try await TestDatabase.on(tier)
        try await onThread {
            let connection = try database.connect()
            _ = try Migrator(connection).up()
            let silent = try connection.query(
                """
                SELECT format('%s.%s %s', n.nspname, c.relname, a.attname) AS name
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  CROSS JOIN LATERAL (
                    SELECT 0 AS attnum, NULL::name AS attname UNION ALL
                    SELECT attnum, attname FROM pg_attribute
                     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind <> 'v') a
                 WHERE n.nspname IN ('public', 'ingest') AND c.relkind IN ('r', 'p', 'v')
                   AND CASE a.attnum WHEN 0 THEN obj_description(c.oid, 'pg_class') ELSE col_description(c.oid, a.attnum) END
                       IS NULL
                   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                """, deadline: .soon)
            #expect(try silent.map { try $0.text("name") } == [])
        }
    }
}
