import PostgresWire
import Testing

/// Functions that run as the owner of the schema run nothing of their caller's.
@Suite struct DefinerTests {
    @Test(arguments: Tier.allCases)
    func typesInAWorkersTemporarySchemaAreNotTheirs(_ tier: Tier) async throws {
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let writer = try database.writer()
            // A domain is checked wherever a value of it comes to be, a variable without a value included.
            try writer.execute(
                """
                CREATE TEMP TABLE pg_class (oid oid, relkind "char");
                CREATE FUNCTION pg_temp.run(pg_catalog.name) RETURNS boolean LANGUAGE plpgsql AS $$
                  BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
                CREATE DOMAIN pg_temp.name AS pg_catalog.name CHECK (pg_temp.run(VALUE))
                """, deadline: .soon)
            let table = "'public.market_data_trades'"
            #expect(try writer.number("SELECT ingest.move_range(\(table), now(), now())") == 0)
            #expect(try writer.number("SELECT ingest.drop_range(\(table), now(), now())") == 0)
            #expect(try writer.number("SELECT cardinality(ingest.apply_lifecycle(\(table)))") == 0)
            let made = "SELECT ingest.make_chunks(\(table), ARRAY[now()])"
            #expect(try writer.number(made) >= 0)
        }
    }

    @Test(arguments: Tier.allCases)
    func theirPathEndsWithTheTemporarySchema(_ tier: Tier) async throws {
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let owner = try database.owner()
            let ours = "FROM pg_proc p WHERE p.pronamespace = 'ingest'::regnamespace"
            #expect(try owner.number("SELECT count(*) \(ours) AND p.prosecdef") >= 8)
            let open = try owner.query(
                """
                SELECT p.oid::regprocedure::text AS name \(ours)
                   AND (p.prosecdef OR p.proconfig::text LIKE '%search\\_path=%')
                   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\\_path=%, pg\\_temp')
                """, deadline: .soon)
            #expect(try open.map { try $0.requiredText("name") } == [])
        }
    }

    @Test func aWorkerMayNotChangeWhatItNeverChanges() async throws {
        let database = try await TestDatabase(on: .plain)
        try await onThread {
            let writer = try database.writer()
            let columns = [("source", "replication_id"), ("dead_letter", "mapping"), ("dead_letter", "batch")]
            for (table, column) in columns {
                let right = "has_column_privilege('ingest.\(table)', '\(column)', 'UPDATE')::int"
                #expect(try writer.number("SELECT \(right)") == 0, "\(table).\(column)")
            }
        }
    }
}
