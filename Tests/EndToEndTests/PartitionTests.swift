import IngestTesting
import PostgresWire
import Records
import Testing

extension EndToEnd {
    /// Rows and the chunks they need: late ones, old ones, and what goes while others come.
    @Suite struct PartitionTests {
        private func trade(_ day: String, _ id: String) -> KeyValuePairs<String, String> {
            [
                "time": "\(day)T12:00:00Z", "exchange": "X", "symbol": "A", "trade_id": "\(id)", "price": "1",
                "amount": "1", "side": "buy",
            ]
        }

        @Test func rowsOfDaysWithoutAPartitionGetOneOnPlainPostgreSQL() async throws {
            let scene = try await Scene(plain: true)
            for day in 10...29 {
                try scene.add("md:trades", trade("2023-05-\(day)", "a\(day)"))
                try scene.add("md:trades", trade("2024-02-\(day)", "b\(day)"))
            }
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 40)
            #expect(try scene.letterCount() == 0)
            // Known keys go through the staging table; its rows may have no partition either.
            for day in 1...9 {
                try scene.add("md:trades", trade("2023-05-10", "a10"))
                try scene.add("md:trades", trade("2023-05-0\(day)", "c\(day)"))
            }
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 49)
            #expect(try scene.pendingCount() == 0)
            await scene.stop()
        }

        @Test func rowsThatMayHaveNoPartitionAreLettersAndTheirNeighboursAreStored() async throws {
            let scene = try await Scene(plain: true)
            try scene.execute(
                "UPDATE ingest.lifecycle SET accept_from = '2024-01-01' WHERE table_name = 'public.market_data_trades'")
            for n in 0..<60 {
                try scene.add("md:trades", trade(n % 20 == 7 ? "2021-03-0\(1 + n / 20)" : "2024-03-01", "t\(n)"))
            }
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 57)
            let letters = try scene.rows("SELECT DISTINCT cause, sqlstate, table_name FROM ingest.dead_letter")
            #expect(letters.count == 1)
            #expect(try letters[0].text("cause") == "no_partition")
            #expect(try letters[0].text("sqlstate") == "23514")
            #expect(try scene.letterCount() == 3)
            #expect(try scene.covered() == 60)
            #expect(try scene.pendingCount() == 0)
            await scene.stop()
        }

        @Test(arguments: [false, true])
        func retentionRunsWhileRowsComeIn(plain: Bool) async throws {
            try await awayFromMidnight()
            let scene = try await Scene(plain: plain)
            try scene.execute(
                """
                SELECT ingest.make_chunks('public.market_data_trades', array_agg(now() - interval '1 day' * d))
                  FROM generate_series(360, 400) d;
                INSERT INTO market_data_trades (time, exchange, symbol, price, amount, side, created_at)
                SELECT now() - interval '1 day' * d, 'X', 'old', 1, 1, 'buy', now() - interval '1 day' * d
                  FROM generate_series(360, 400) d
                """)
            let worker = try scene.worker()
            let limit = "date_trunc('day', now() - interval '1 year', 'UTC')"
            let young = try scene.count("market_data_trades WHERE time >= \(limit)")
            var sent = 0
            func send() throws {
                for _ in 0..<50 {
                    try scene.add("md:trades", trade("2024-03-01", "n\(sent)"))
                    sent += 1
                }
            }
            try send()
            // The clock of the writes is put back; the server's count of them arrives a moment later.
            try await eventually(within: .seconds(60), "the old chunks are seen as quiet and dropped") {
                try send()
                try scene.execute(
                    """
                    UPDATE ingest.chunk_write SET last_write = last_write - interval '8 days'
                     WHERE table_name = 'public.market_data_trades'
                    """)
                try scene.maintain()
                return try scene.count("market_data_trades WHERE time < \(limit) AND symbol = 'old'") == 0
            }
            try send()
            try await eventually(within: .seconds(60), "everything sent is stored") {
                try scene.count("market_data_trades WHERE symbol = 'A'") == sent
            }
            #expect(try scene.number("SELECT count(*) FROM market_data_trades WHERE symbol = 'old'") == young)
            #expect(try scene.letterCount() == 0)
            worker.send(15)
            #expect(try await worker.wait().status == 0)
            #expect(!worker.errorsSoFar.contains("starts over"), "\(worker.errorsSoFar.suffix(2_000))")
            await scene.stop()
        }
    }
}
