import Records

@testable import RecordCodec

/// The market tables and their mappings, as the default configuration has them.
enum MarketMappings {
    private static let text = ColumnType.text(maxLength: nil)
    private static let money = ColumnType.numeric(38, 18)

    private static func required(_ name: String, _ type: ColumnType, check: Int? = nil) -> CatalogColumn {
        CatalogColumn(name: name, type: type, notNull: true, checkLength: check)
    }

    private static func field(
        _ column: String, _ fields: String..., path: [ColumnMapping.PathStep] = [],
        format: ColumnMapping.Format = .automatic
    ) -> ColumnMapping {
        ColumnMapping(column: column, source: .fields(fields), path: path, format: format, nullTexts: ["None"])
    }

    private static let created = CatalogColumn(name: "created_at", type: .timestamptz, hasDefault: true)
    private static let instrument = [
        required("time", .timestamptz), required("exchange", text, check: 64), required("symbol", text, check: 64),
    ]
    private static let entry = CatalogColumn(name: "entry_id", type: .uuid)
    private static let entryID = ColumnMapping(column: "entry_id", source: .entryID)

    static func plans() throws(PlanError) -> [String: RowPlan] {
        [
            "trades": try RowPlan(trades, columns: tradeColumns),
            "ticker": try RowPlan(ticker, columns: tickerColumns),
            "candles": try RowPlan(candles, columns: candleColumns),
            "book": try RowPlan(book, columns: bookColumns),
        ]
    }

    private static let trades = StreamMapping(
        name: "trades", keys: ["trades-*"], table: "market_data_trades",
        columns: [
            field("time", "time", "timestamp", "receipt_timestamp"), field("exchange", "exchange"),
            field("symbol", "symbol"), field("trade_id", "trade_id", "id"), field("price", "price"),
            field("amount", "amount"), field("side", "side"), field("type", "type"),
            field("taker_or_maker", "taker_or_maker"), entryID,
        ])
    private static let tradeColumns =
        instrument + [
            CatalogColumn(name: "trade_id", type: text, checkLength: 100), required("price", money),
            required("amount", money), required("side", text, check: 10),
            CatalogColumn(name: "type", type: text, checkLength: 20),
            CatalogColumn(name: "taker_or_maker", type: text, checkLength: 20), created, entry,
        ]

    private static let ticker = StreamMapping(
        name: "ticker", keys: ["ticker-*"], table: "market_data_ticker",
        columns: [
            field("time", "time", "timestamp"), field("exchange", "exchange"), field("symbol", "symbol"),
            field("last_price", "last_price"), field("bid_price", "bid_price", "bid"),
            field("ask_price", "ask_price", "ask"), entryID,
        ])
    private static let tickerColumns =
        instrument + [
            CatalogColumn(name: "last_price", type: money), CatalogColumn(name: "bid_price", type: money),
            CatalogColumn(name: "ask_price", type: money), created, entry,
        ]

    private static let candles = StreamMapping(
        name: "candles", keys: ["candles-*"], table: "market_data_ohlcv",
        columns: [
            field("time", "time", "start"), field("exchange", "exchange"), field("symbol", "symbol"),
            field("timeframe", "timeframe", "interval"), field("open", "open"), field("high", "high"),
            field("low", "low"), field("close", "close"), field("volume", "volume"),
            field("trades_count", "trades_count", "trades"), field("closed", "closed"),
            field("updated_at", "updated_at", "timestamp"), entryID,
        ], onConflict: .update, key: ["exchange", "symbol", "timeframe", "time"],
        version: ["updated_at", "entry_id"])
    private static let candleColumns =
        instrument + [required("timeframe", text, check: 10)]
        + ["open", "high", "low", "close", "volume"].map { required($0, money) } + [
            CatalogColumn(name: "trades_count", type: .int4), CatalogColumn(name: "closed", type: .bool), created,
            CatalogColumn(name: "updated_at", type: .timestamptz, notNull: true, hasDefault: true), entry,
        ]

    private static let book = StreamMapping(
        name: "book", keys: ["book-*"], table: "market_data_orderbook",
        columns: [
            field("time", "time", "timestamp"), field("exchange", "exchange"), field("symbol", "symbol"),
            ColumnMapping(
                column: "kind",
                source: .present([.init(field: "book", text: "snapshot"), .init(field: "delta", text: "delta")])),
            field("bids", "book", "delta", path: [.key("bid")], format: .bookOrderFirst),
            field("asks", "book", "delta", path: [.key("ask")], format: .bookOrderFirst), entryID,
        ])
    private static let bookColumns =
        instrument + [
            required("kind", text), required("bids", .jsonb), required("asks", .jsonb),
            CatalogColumn(name: "timestamp_ms", type: .int8), created, entry,
        ]
}
