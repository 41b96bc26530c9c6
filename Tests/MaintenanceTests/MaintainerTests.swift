import Foundation
import IngestTesting
import Migrations
import PostgresWire
import Testing

@testable import Maintenance

@Suite(.serialized) struct MaintainerTests {
    /// A trade a day over 400 days, written when it happened.
    private static let history = """
        SELECT ingest.make_chunks('public.market_data_trades', array_agg(d), '0')
          FROM generate_series(date_trunc('day', now(), 'UTC') - interval '400 days', now(), '1 day') WITH ORDINALITY g(d, n)
         GROUP BY n / 90;
        INSERT INTO market_data_trades (time, exchange, symbol, price, amount, side, created_at)
        SELECT d, 'X', 'A', 1, 1, 'buy', d
          FROM generate_series(date_trunc('day', now(), 'UTC') - interval '400 days', now(), '1 day') d
        """

    /// What the server's statistics saw becomes old news: the clock of the writes is put back.
    private static let age = "UPDATE ingest.chunk_write SET last_write = last_write - interval '8 days'"

    /// Statistics of other sessions arrive a moment later.
    private func settle(_ connection: PostgresConnection, _ maintainer: Maintainer) throws {
        let end = ContinuousClock.Instant.soon
        repeat {
            _ = try connection.query("SELECT pg_stat_clear_snapshot()", deadline: .soon)
            _ = try connection.query(
                "SELECT ingest.observe_chunks(table_name::regclass) FROM ingest.lifecycle", deadline: .soon)
        } while try connection.number(
            "SELECT count(*) FROM ingest.chunk_write WHERE table_name = 'public.market_data_trades' AND writes > 0")
            < 400
            && .now < end
    }

    @Test(arguments: Tier.allCases)
    func retentionDropsWhatIsOldAndQuietAndNothingYounger(_ tier: Tier) async throws {
        try await awayFromMidnight()
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let owner = try database.owner()
            try owner.execute(Self.history, deadline: .soon)
            let maintainer = Maintainer(try database.writer())
            try settle(owner, maintainer)
            // Just written, by the server's count: nothing goes yet.
            let fresh = try maintainer.run()
            #expect(fresh.flatMap(\.entries).allSatisfy { $0.step.name != "drop" })
            try owner.execute(Self.age, deadline: .soon)
            let inside = try owner.number(
                "SELECT count(*) FROM market_data_trades WHERE time >= now() - interval '1 year'")

            let planned = try maintainer.run(dryRun: true).flatMap(\.entries).filter { $0.step.name == "drop" }
            #expect((30...40).contains(planned.count))
            let done = try maintainer.run()
            #expect(done.flatMap(\.failures) == [])
            #expect(done.flatMap(\.entries).count { $0.step.name == "drop" && $0.outcome == .done(1) } == planned.count)
            #expect(
                try owner.number("SELECT count(*) FROM market_data_trades WHERE time < now() - interval '366 days'")
                    == 0)
            #expect(
                try owner.number("SELECT count(*) FROM market_data_trades WHERE time >= now() - interval '1 year'")
                    == inside)
            #expect(try maintainer.run().flatMap(\.entries).isEmpty, "a second run has nothing to do")
        }
    }

    @Test(arguments: Tier.allCases)
    func aLateRowKeepsItsChunkUntilTheGraceIsOver(_ tier: Tier) async throws {
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let owner = try database.owner()
            try owner.execute(Self.history, deadline: .soon)
            let maintainer = Maintainer(try database.writer())
            try settle(owner, maintainer)
            try owner.execute(Self.age, deadline: .soon)
            // Statistics need not have seen the row: the locked chunk itself is asked.
            try owner.execute(
                """
                INSERT INTO market_data_trades (time, exchange, symbol, price, amount, side)
                VALUES (date_trunc('day', now(), 'UTC') - interval '399 days', 'X', 'late', 1, 1, 'buy')
                """, deadline: .soon)
            _ = try maintainer.run()
            #expect(try owner.number("SELECT count(*) FROM market_data_trades WHERE symbol = 'late'") == 1)
        }
    }

    @Test(arguments: Tier.allCases)
    func chunksAreThereBeforeTheirDayBegins(_ tier: Tier) async throws {
        try await awayFromMidnight()
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let owner = try database.owner()
            _ = try Maintainer(try database.writer()).run()
            for (table, chunks) in [("ohlcv", tier == .plain ? 1 : 10), ("ticker", 1), ("orderbook", 1), ("trades", 1)]
            {
                for days in 0...2 {
                    let found = try owner.number(
                        """
                        SELECT count(*) FROM ingest.chunks('public.market_data_\(table)') k
                         WHERE k.range_start <= now() + interval '\(days) days'
                           AND now() + interval '\(days) days' < k.range_end
                        """)
                    #expect(found == chunks, "\(table), in \(days) days")
                }
                #expect(try owner.number("SELECT count(*) FROM market_data_\(table)") == 0)
            }
        }
    }

    @Test func aChangedIntervalLeavesNoGapAndNoOverlap() async throws {
        let database = try await TestDatabase(on: .plain)
        try await onThread {
            let owner = try database.owner()
            try owner.execute(
                """
                UPDATE ingest.lifecycle SET chunk_interval = '7 days' WHERE table_name = 'public.market_data_trades';
                SELECT ingest.make_chunks('public.market_data_trades', ARRAY[now() - interval '1 day', now() + interval '3 days',
                  now() - interval '20 days']);
                UPDATE ingest.lifecycle SET chunk_interval = '6 hours' WHERE table_name = 'public.market_data_trades';
                SELECT ingest.make_chunks('public.market_data_trades', ARRAY[now() - interval '40 days'], '1 day')
                """, deadline: .soon)
            let overlaps = """
                SELECT count(*) FROM ingest.chunks('public.market_data_trades') a, ingest.chunks('public.market_data_trades') b
                 WHERE a.chunk <> b.chunk AND a.range_start < b.range_end AND b.range_start < a.range_end
                """
            #expect(try owner.number(overlaps) == 0)
            try owner.execute(
                """
                INSERT INTO market_data_trades (time, exchange, symbol, price, amount, side)
                SELECT t, 'X', 'A', 1, 1, 'buy' FROM unnest(ARRAY[now(), now() - interval '1 day', now() - interval '20 days',
                  now() + interval '3 days', now() - interval '40 days']) t
                """, deadline: .soon)
        }
    }

    @Test func oneOfManyWorkersMaintains() async throws {
        let database = try await TestDatabase(on: .plain)
        let claims = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<10 {
                group.addTask {
                    try await onThread {
                        let maintainer = Maintainer(try database.writer())
                        do throws(PostgresError) {
                            return try maintainer.claim(by: "w\(number)", every: .seconds(3600))
                        } catch {
                            // The first one's COMMIT took its time.
                            guard error.sqlState == .lockNotAvailable else { throw error }
                            return false
                        }
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(claims == 1)
    }

    @Test func aTableWithoutALifeCycleIsNotTouched() async throws {
        let database = try await TestDatabase(on: .plain)
        try await onThread {
            let writer = try database.writer()
            for call in ["make_chunks('public.orders', ARRAY[now()])", "drop_range('public.orders', now(), now())"] {
                do throws(PostgresError) {
                    _ = try writer.query("SELECT ingest.\(call)", deadline: .soon)
                    Issue.record("\(call) must be refused")
                } catch {
                    #expect(error.sqlState?.code == "SL003")
                }
            }
        }
    }

    @Test func theWriterMayNotDropReadOrChangeWhatItNeedNot() async throws {
        let database = try await TestDatabase(on: .timescaleDB)
        try await onThread {
            let writer = try database.writer()
            for sql in [
                "DROP TABLE market_data_trades", "SELECT price FROM market_data_trades",
                "DELETE FROM market_data_trades",
                "UPDATE ingest.lifecycle SET drop_after = '31 days'", "CREATE TABLE public.mine (a int)",
                "UPDATE ingest.dead_letter SET payload = ''",
                "SELECT ingest.make_partition('market_data_trades', now())",
                "UPDATE ingest.chunk_write SET last_write = '-infinity'",
            ] {
                do throws(PostgresError) {
                    try writer.execute(sql, deadline: .soon)
                    Issue.record("\(sql) must be refused")
                } catch {
                    #expect(error.sqlState?.code == "42501", "\(sql): \(error.message)")
                }
            }
        }
    }

    /// Only where `MILLRACE_TEST_COMMUNITY_URL` leads to an empty database of a server with the Community edition.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MILLRACE_TEST_COMMUNITY_URL"] != nil))
    func compressesOnTheCommunityEdition() async throws {
        let url = ProcessInfo.processInfo.environment["MILLRACE_TEST_COMMUNITY_URL"] ?? ""
        try await onThread {
            let owner = try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test")
            _ = try Migrator(owner).up()
            try owner.execute(Self.history, deadline: .soon)
            let maintainer = Maintainer(owner)
            try settle(owner, maintainer)
            try owner.execute(Self.age, deadline: .soon)
            #expect(try maintainer.run().flatMap(\.failures) == [])
            let compressed = "SELECT count(*) FROM ingest.chunks('public.market_data_trades') k WHERE k.is_compressed"
            #expect(try owner.number(compressed) > 300)
            _ = try Migrator(owner).down(target: 0)
        }
    }

    /// The Community edition cannot be had here; what would be sent to it can.
    @Test func whatIsSentToTheCommunityEdition() async throws {
        let database = try await TestDatabase(on: .timescaleDB)
        try await onThread {
            let owner = try database.owner()
            let rows = try owner.query(
                """
                SELECT unnest(ingest.lifecycle_statements('public.market_data_trades', 'community')) AS s
                UNION ALL SELECT ingest.compress_sql('_timescaledb_internal._hyper_1_1_chunk')
                UNION ALL SELECT unnest(ingest.rollup_statements(r, 'community')) FROM ingest.rollup r
                 WHERE view_name = 'market_data_ohlcv_5m'
                """, deadline: .soon)
            let statements = try rows.map { try $0.requiredText("s") }
            #expect(
                statements.prefix(2) == [
                    "ALTER TABLE public.market_data_trades SET (timescaledb.compress, "
                        + "timescaledb.compress_segmentby = 'exchange, symbol', timescaledb.compress_orderby = 'time DESC')",
                    "SELECT public.compress_chunk('_timescaledb_internal._hyper_1_1_chunk', if_not_compressed => true)",
                ])
            #expect(
                statements[2].contains("WITH (timescaledb.continuous, timescaledb.materialized_only = false)"))
            #expect(statements[2].contains("time_bucket(interval '00:05:00', time)"))
            #expect(statements[2].hasSuffix("WITH NO DATA"))
            #expect(statements[3].contains("start_offset => '1 year'::interval, end_offset => '00:05:00'::interval"))
        }
    }
}
