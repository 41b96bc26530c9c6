import Foundation

/// What the recorded files must become, computed by PostgreSQL's own text parsing: a second way from the files to the
/// figures that shares no code with the codec.
enum RecordedOracle {
    /// `shared/data/cryptofeed` beside the checkout, or where `MILLRACE_DATA` points; `nil` when there is none.
    static let folder: URL? = {
        if let given = ProcessInfo.processInfo.environment["MILLRACE_DATA"] { return URL(filePath: given) }
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "shared/data/cryptofeed")
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return nil
    }()

    static func files() throws -> [URL] {
        guard let folder else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(".ndjson.gz") }
            .sorted { $0.path < $1.path }
    }

    /// Puts the files' lines, as text and in order, into `oracle.line`.
    static func loadCommand(databaseURL: String) throws -> String {
        let files = try files().map { "'\($0.path)'" }.joined(separator: " ")
        return """
            set -e
            psql -q -v ON_ERROR_STOP=1 '\(databaseURL)' -c 'CREATE SCHEMA oracle' \
              -c 'CREATE TABLE oracle.line (n bigint GENERATED ALWAYS AS IDENTITY, text text NOT NULL)'
            gzip -dc \(files) | psql -q -v ON_ERROR_STOP=1 '\(databaseURL)' \
              -c "\\copy oracle.line(text) FROM STDIN WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')"
            """
    }

    /// Tables `oracle.trades`, `.ticker`, `.candles`, `.book` with one row for each row that must exist.
    static let schema = #"""
        CREATE FUNCTION oracle.micros(text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
          SELECT CASE WHEN x - floor(x) > 0.5 OR (x - floor(x) = 0.5 AND floor(x) % 2 = 1)
                      THEN floor(x) + 1 ELSE floor(x) END::bigint
            FROM (SELECT $1::numeric * CASE WHEN $1::numeric < 1e11 THEN 1000000 ELSE 1000 END) AS t(x)
        $$;
        CREATE TABLE oracle.entry AS
          SELECT n, split_part(j->>'stream', '-', 1) AS kind, j->>'id' AS id,
                 (SELECT jsonb_object_agg(f->>0, f->>1) FROM json_array_elements(j->'fields') AS f) AS f
            FROM (SELECT n, text::json AS j FROM oracle.line) AS l;
        CREATE TABLE oracle.trades AS
          SELECT DISTINCT ON (exchange, symbol, micros, coalesce(trade_id, 'entry ' || n)) *
            FROM (SELECT n, f->>'exchange' AS exchange, f->>'symbol' AS symbol,
                         oracle.micros(f->>'timestamp') AS micros, nullif(f->>'id', 'None') AS trade_id,
                         (f->>'price')::numeric AS price, (f->>'amount')::numeric AS amount, f->>'side' AS side
                    FROM oracle.entry WHERE kind = 'trades') AS t
           ORDER BY exchange, symbol, micros, coalesce(trade_id, 'entry ' || n), n;
        CREATE TABLE oracle.candles AS
          SELECT DISTINCT ON (exchange, symbol, timeframe, micros) *
            FROM (SELECT n, f->>'exchange' AS exchange, f->>'symbol' AS symbol, f->>'interval' AS timeframe,
                         oracle.micros(f->>'start') AS micros, oracle.micros(f->>'timestamp') AS version,
                         (f->>'open')::numeric AS open, (f->>'high')::numeric AS high, (f->>'low')::numeric AS low,
                         (f->>'close')::numeric AS close, (f->>'volume')::numeric AS volume,
                         nullif(f->>'trades', 'None')::numeric AS trades
                    FROM oracle.entry WHERE kind = 'candles') AS t
           ORDER BY exchange, symbol, timeframe, micros, version DESC, n DESC;
        CREATE TABLE oracle.ticker AS
          SELECT n, f->>'exchange' AS exchange, f->>'symbol' AS symbol, oracle.micros(f->>'timestamp') AS micros,
                 (f->>'bid')::numeric AS bid, (f->>'ask')::numeric AS ask
            FROM oracle.entry WHERE kind = 'ticker';
        CREATE TABLE oracle.book AS
          SELECT n, f->>'exchange' AS exchange, f->>'symbol' AS symbol, oracle.micros(f->>'timestamp') AS micros,
                 CASE WHEN f ? 'book' THEN 'snapshot' ELSE 'delta' END AS kind,
                 coalesce(f->>'book', f->>'delta')::json AS book
            FROM oracle.entry WHERE kind = 'book';
        CREATE FUNCTION oracle.levels(json) RETURNS TABLE (price numeric, size numeric) LANGUAGE sql IMMUTABLE AS $$
          SELECT key::numeric, value::numeric FROM json_each_text($1) WHERE json_typeof($1) = 'object'
          UNION ALL
          SELECT (l->>0)::numeric, (l->>1)::numeric
            FROM json_array_elements(CASE WHEN json_typeof($1) = 'array' THEN $1 ELSE '[]' END) AS l
        $$;
        """#

    /// Pairs of queries that must give the same row: what the files say, what the tables hold.
    static let comparisons: [(what: String, expected: String, stored: String)] = [
        (
            "trades",
            """
            SELECT count(*), sum(price), min(price), max(price), sum(amount), min(amount), max(amount), sum(micros),
                   min(micros), max(micros), count(trade_id), count(*) FILTER (WHERE side = 'buy') FROM oracle.trades
            """,
            """
            SELECT count(*), sum(price), min(price), max(price), sum(amount), min(amount), max(amount), sum(micros),
                   min(micros), max(micros), count(trade_id), count(*) FILTER (WHERE side = 'buy')
              FROM (SELECT *, (extract(epoch FROM time) * 1000000)::bigint AS micros FROM market_data_trades) AS t
            """
        ),
        (
            "candles",
            """
            SELECT count(*), sum(open), sum(high), sum(low), sum(close), sum(volume), min(low), max(high), sum(micros),
                   count(trades), sum(trades) FROM oracle.candles
            """,
            """
            SELECT count(*), sum(open), sum(high), sum(low), sum(close), sum(volume), min(low), max(high), sum(micros),
                   count(trades_count), sum(trades_count)
              FROM (SELECT *, (extract(epoch FROM time) * 1000000)::bigint AS micros FROM market_data_ohlcv) AS t
            """
        ),
        (
            "ticker",
            """
            SELECT count(*), sum(bid), min(bid), max(bid), sum(ask), min(ask), max(ask), sum(micros) FROM oracle.ticker
            """,
            """
            SELECT count(*), sum(bid_price), min(bid_price), max(bid_price), sum(ask_price), min(ask_price),
                   max(ask_price), sum(micros)
              FROM (SELECT *, (extract(epoch FROM time) * 1000000)::bigint AS micros FROM market_data_ticker) AS t
            """
        ),
        (
            "book",
            """
            SELECT count(*), count(*) FILTER (WHERE kind = 'snapshot'), sum(micros),
                   sum((SELECT count(*) FROM oracle.levels(book->'bid'))),
                   sum((SELECT sum(price) FROM oracle.levels(book->'bid'))),
                   sum((SELECT sum(size) FROM oracle.levels(book->'bid'))),
                   sum((SELECT count(*) FROM oracle.levels(book->'ask'))),
                   sum((SELECT sum(price) FROM oracle.levels(book->'ask'))),
                   sum((SELECT sum(size) FROM oracle.levels(book->'ask'))) FROM oracle.book
            """,
            """
            SELECT count(*), count(*) FILTER (WHERE kind = 'snapshot'), sum(micros),
                   sum(jsonb_array_length(bids)),
                   sum((SELECT sum((l->>0)::numeric) FROM jsonb_array_elements(bids) AS l)),
                   sum((SELECT sum((l->>1)::numeric) FROM jsonb_array_elements(bids) AS l)),
                   sum(jsonb_array_length(asks)),
                   sum((SELECT sum((l->>0)::numeric) FROM jsonb_array_elements(asks) AS l)),
                   sum((SELECT sum((l->>1)::numeric) FROM jsonb_array_elements(asks) AS l))
              FROM (SELECT *, (extract(epoch FROM time) * 1000000)::bigint AS micros FROM market_data_orderbook) AS t
            """
        ),
    ]

    /// Rows per table, counted once by hand from the files.
    static let counts = [
        "market_data_trades": 13_217, "market_data_ohlcv": 12_058, "market_data_ticker": 5_960,
        "market_data_orderbook": 31_245,
    ]
    static let entries = 74_682
}
