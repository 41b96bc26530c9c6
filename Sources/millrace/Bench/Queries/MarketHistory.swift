import PostgresWire

/// Made-up history for the queries: the same rows for the same numbers, made by the server itself.
struct MarketHistory {
    /// Of all four tables together.
    let rows: Int
    let days: Int
    static let exchanges = 5
    static let symbols = 20
    static let pairs = exchanges * symbols

    /// Half of the rows are trades.
    private var tables: [(name: String, rows: Int, columns: String, values: String)] {
        let columns = "time, exchange, symbol"
        return [
            (
                "trades", rows / 2, "\(columns), trade_id, price, amount, side",
                "'t' || i, 100 + i % 997, 1 + i % 9, CASE WHEN i % 2 = 0 THEN 'buy' ELSE 'sell' END"
            ),
            ("ticker", rows / 4, "\(columns), bid_price, ask_price", "100 + i % 997, 101 + i % 997"),
            (
                "ohlcv", rows * 3 / 20, "\(columns), timeframe, open, high, low, close, volume",
                "CASE WHEN i / \(Self.pairs) % 20 = 0 THEN '1h' ELSE '1m' END, 5, 9, 1, 6, 100"
            ),
            (
                "orderbook", rows / 10, "\(columns), kind, bids, asks",
                "'snapshot', '[[\"1\",\"2\"]]', '[[\"2\",\"1\"]]'"
            ),
        ]
    }

    /// Fills a migrated, empty database. Blocks its thread for minutes with tens of millions of rows.
    func fill(_ connection: PostgresConnection, progress: (String) -> Void) throws(PostgresError) {
        for table in tables {
            progress("market_data_\(table.name): \(table.rows) rows")
            try makeChunks("market_data_\(table.name)", connection)
            // Many pairs tick together; the hash spreads the symbols as real ones are.
            try connection.execute(
                """
                INSERT INTO market_data_\(table.name) (\(table.columns))
                SELECT now() - interval '\(days) days' + interval '\(days) days' * (i / \(Self.pairs) * \(Self.pairs) / \(Double(max(1, table.rows)))),
                       'EX' || i % \(Self.exchanges), 'S' || i / \(Self.exchanges) % \(Self.symbols), \(table.values)
                  FROM generate_series(0, \(table.rows - 1)) i
                """, deadline: .now + .seconds(3_600))
        }
        progress("orders: 50000 rows")
        try connection.execute(
            """
            INSERT INTO orders (exchange_order_id, exchange, symbol, type, side, amount, status)
            SELECT i::text, 'EX' || i % \(Self.exchanges), 'S' || i % \(Self.symbols), 'limit', 'buy', 1,
                   CASE WHEN i % 500 < 5 THEN 'open' ELSE 'closed' END FROM generate_series(1, 50000) i
            """, deadline: .now + .seconds(600))
        progress("VACUUM ANALYZE")
        try connection.execute("VACUUM (ANALYZE)", deadline: .now + .seconds(3_600))
    }

    private func makeChunks(_ table: String, _ connection: PostgresConnection) throws(PostgresError) {
        _ = try connection.query(
            """
            SELECT ingest.make_chunks('public.\(table)', array_agg(d))
              FROM generate_series(now() - interval '\(days) days', now(), '1 day') WITH ORDINALITY g(d, n) GROUP BY n / 90
            """, deadline: .now + .seconds(600))
    }
}
