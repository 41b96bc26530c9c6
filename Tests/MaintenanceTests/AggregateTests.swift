import IngestTesting
import PostgresWire
import Testing

/// Candles that the database makes, beside candles computed here from the same rows.
@Suite struct AggregateTests {
    private struct Trade {
        var second: Int
        var id: String
        var price: Int
        var amount: Int
    }

    private struct Candle: Equatable, CustomStringConvertible {
        var start: Int
        var open: Int
        var high: Int
        var low: Int
        var close: Int
        var volume: Int
        var quote: Int
        var trades: Int

        var description: String { "\(start): \(open) \(high) \(low) \(close) \(volume) \(quote) \(trades)" }
    }

    /// 2024-02-28 23:00 UTC: over midnight, and over a leap day.
    private static let begin = 1_709_161_200

    /// Several trades share a second; ids are not in the order of their prices.
    private static let trades: [Trade] = (0..<3_000).map { n in
        Trade(second: begin + n * 7 / 5 * 3, id: "t\(n * 7_919 % 3_001)", price: 100 + n * 31 % 97, amount: 1 + n % 9)
    }

    private static func candles(_ width: Int, _ rows: [Candle]) -> [Candle] {
        Dictionary(grouping: rows) { $0.start / width * width }.map { start, rows in
            let sorted = rows.sorted { $0.start < $1.start }
            return Candle(
                start: start, open: sorted[0].open, high: rows.map(\.high).max() ?? 0, low: rows.map(\.low).min() ?? 0,
                close: sorted[sorted.count - 1].close, volume: rows.reduce(0) { $0 + $1.volume },
                quote: rows.reduce(0) { $0 + $1.quote }, trades: rows.reduce(0) { $0 + $1.trades })
        }.sorted { $0.start < $1.start }
    }

    private static let minutes: [Candle] = Dictionary(grouping: trades) { $0.second / 60 * 60 }.map { start, rows in
        let sorted = rows.sorted { ($0.second, $0.id) < ($1.second, $1.id) }
        return Candle(
            start: start, open: sorted[0].price, high: rows.map(\.price).max() ?? 0, low: rows.map(\.price).min() ?? 0,
            close: sorted[sorted.count - 1].price, volume: rows.reduce(0) { $0 + $1.amount },
            quote: rows.reduce(0) { $0 + $1.amount * $1.price }, trades: rows.count)
    }.sorted { $0.start < $1.start }

    private func load(_ connection: PostgresConnection) throws {
        let values = Self.trades.map {
            "(to_timestamp(\($0.second)), 'X', 'A', '\($0.id)', \($0.price), \($0.amount), 'buy')"
        }
        let times = "ARRAY(SELECT to_timestamp(\(Self.begin) + d * 86400) FROM generate_series(0, 2) d)"
        try connection.execute(
            """
            SELECT ingest.make_chunks(t::regclass, \(times)) FROM unnest('{market_data_trades,market_data_ohlcv}'::text[]) t;
            INSERT INTO market_data_trades (time, exchange, symbol, trade_id, price, amount, side)
            VALUES \(values.joined(separator: ", "));
            INSERT INTO market_data_ohlcv
                (time, exchange, symbol, timeframe, open, high, low, close, volume, quote_volume, trades_count)
            SELECT time, exchange, symbol, '1m', open, high, low, close, volume, quote_volume, trades_count
              FROM market_data_ohlcv_1m_trades;
            INSERT INTO market_data_ohlcv (time, exchange, symbol, timeframe, open, high, low, close, volume)
            VALUES (to_timestamp(\(Self.begin)), 'X', 'A', '5m', 9, 9, 9, 9, 9)
            """, deadline: .soon)
    }

    private func candles(_ view: String, _ connection: PostgresConnection) throws -> [Candle] {
        try connection.query(
            """
            SELECT extract(epoch FROM time)::bigint AS s, open::bigint AS o, high::bigint AS h, low::bigint AS l,
                   close::bigint AS c, volume::bigint AS v, quote_volume::bigint AS q, trades_count AS n
              FROM \(view) WHERE exchange = 'X' AND symbol = 'A' ORDER BY time
            """, deadline: .soon
        ).map { row in
            Candle(
                start: Int(try row.requiredInteger("s")), open: Int(try row.requiredInteger("o")),
                high: Int(try row.requiredInteger("h")), low: Int(try row.requiredInteger("l")),
                close: Int(try row.requiredInteger("c")), volume: Int(try row.requiredInteger("v")),
                quote: Int(try row.requiredInteger("q")), trades: Int(try row.requiredInteger("n")))
        }
    }

    @Test(arguments: Tier.allCases)
    func candlesAreTheSameOnEveryTier(_ tier: Tier) async throws {
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let connection = try database.owner()
            try load(connection)
            #expect(try candles("market_data_ohlcv_1m_trades", connection) == Self.minutes)
            for (name, width) in [("5m", 300), ("15m", 900), ("1h", 3_600), ("4h", 14_400), ("1d", 86_400)] {
                let expected = Self.candles(width, Self.minutes)
                #expect(expected.count > 1 || width == 86_400)
                #expect(try candles("market_data_ohlcv_\(name)", connection) == expected, "\(name)")
            }
        }
    }

    @Test(arguments: Tier.allCases)
    func theLatestTickerTakesItsLastPriceFromTheNewestTradeWhereItHasNone(_ tier: Tier) async throws {
        try await awayFromMidnight()
        let database = try await TestDatabase(on: tier)
        try await onThread {
            let connection = try database.owner()
            try connection.execute(
                """
                INSERT INTO market_data_ticker (time, exchange, symbol, last_price, bid_price, ask_price) VALUES
                  (now() - interval '2 s', 'X', 'A', NULL, 9, 11), (now() - interval '1 s', 'X', 'A', NULL, 99, 101),
                  (now() - interval '1 s', 'X', 'B', 7, 6, 8), (now() - interval '3 s', 'X', 'C', NULL, 1, 2);
                INSERT INTO market_data_trades (time, exchange, symbol, trade_id, price, amount, side) VALUES
                  (now() - interval '9 s', 'X', 'A', '1', 5, 1, 'buy'), (now() - interval '4 s', 'X', 'A', '2', 100, 1, 'buy'),
                  (now(), 'X', 'B', '3', 1000, 1, 'buy')
                """, deadline: .soon)
            let rows = try connection.query(
                """
                SELECT symbol || ' ' || coalesce(last_price::int::text, '-') || ' ' || bid_price::int || ' '
                       || coalesce((last_time < time)::text, '-') AS r FROM latest_ticker ORDER BY symbol
                """, deadline: .soon)
            #expect(try rows.map { try $0.text("r") } == ["A 100 99 true", "B 7 6 false", "C - 1 -"])
            let spread = try connection.query(
                "SELECT spread::int AS s, mid_price::int AS m, round(spread_bps)::int AS b FROM market_data_spread "
                    + "WHERE symbol = 'A' ORDER BY time DESC LIMIT 1", deadline: .soon)
            #expect(try spread[0].integer("s") == 2)
            #expect(try spread[0].integer("m") == 100)
            #expect(try spread[0].integer("b") == 200)
        }
    }
}
