import RecordCodec
import Records

/// The market tables as the first migrations make them.
enum MarketTables {
    static func columns(of table: String) -> [CatalogColumn]? {
        switch table {
        case "market_data_trades": trades
        case "market_data_ticker": ticker
        case "market_data_orderbook": orderbook
        case "market_data_ohlcv": ohlcv
        case "current_positions": positions
        case "orders": orders
        default: nil
        }
    }

    private static let number = ColumnType.numeric(38, 18)

    private static let key = [
        CatalogColumn(name: "time", type: .timestamptz, notNull: true),
        CatalogColumn(name: "exchange", type: .text(maxLength: nil), notNull: true, checkLength: 50),
        CatalogColumn(name: "symbol", type: .text(maxLength: nil), notNull: true, checkLength: 64),
    ]

    private static func numbers(_ names: [String], notNull: Bool = false) -> [CatalogColumn] {
        names.map { CatalogColumn(name: $0, type: number, notNull: notNull) }
    }

    private static func moment(_ name: String) -> CatalogColumn {
        CatalogColumn(name: name, type: .timestamptz, notNull: true, hasDefault: true)
    }

    private static func text(_ name: String, _ length: Int, notNull: Bool = false) -> CatalogColumn {
        CatalogColumn(name: name, type: .text(maxLength: nil), notNull: notNull, checkLength: length)
    }

    private static let trades =
        key + [text("trade_id", 100)] + numbers(["price", "amount"], notNull: true) + [
            text("side", 10, notNull: true), text("type", 20), text("taker_or_maker", 20), moment("created_at"),
        ]

    private static let ticker =
        key
        + numbers([
            "last_price", "bid_price", "ask_price", "bid_volume", "ask_volume", "volume_24h", "quote_volume_24h",
            "price_change_24h", "price_change_percent_24h",
        ]) + [moment("last_updated")]

    private static let orderbook =
        key + [
            CatalogColumn(name: "kind", type: .text(maxLength: nil), notNull: true),
            CatalogColumn(name: "bids", type: .jsonb, notNull: true),
            CatalogColumn(name: "asks", type: .jsonb, notNull: true),
            CatalogColumn(name: "timestamp_ms", type: .int8), moment("created_at"),
        ]

    private static let ohlcv =
        key + [text("timeframe", 10, notNull: true)]
        + numbers(["open", "high", "low", "close", "volume"], notNull: true) + numbers(["quote_volume"]) + [
            CatalogColumn(name: "trades_count", type: .int4), CatalogColumn(name: "entry_id", type: .uuid),
            moment("created_at"), moment("updated_at"),
        ]

    private static let identity = [
        CatalogColumn(name: "id", type: .int8, notNull: true, hasDefault: true),
        CatalogColumn(name: "exchange", type: .text(maxLength: nil), notNull: true, checkLength: 50),
        CatalogColumn(name: "symbol", type: .text(maxLength: nil), notNull: true, checkLength: 64),
        CatalogColumn(name: "entry_id", type: .uuid),
    ]

    private static let positions =
        identity + [text("side", 10, notNull: true)] + numbers(["amount", "entry_price"], notNull: true)
        + numbers(["mark_price", "unrealized_pnl", "realized_pnl", "liquidation_price"]) + [
            CatalogColumn(name: "leverage", type: .numeric(10, 2)), text("margin_type", 20), moment("created_at"),
            moment("updated_at"),
        ]

    private static let orders =
        identity + [text("exchange_order_id", 100, notNull: true), text("type", 20, notNull: true)]
        + [text("side", 10, notNull: true), text("status", 20, notNull: true)] + numbers(["amount"], notNull: true)
        + numbers(["price", "filled_amount", "remaining_amount", "avg_fill_price", "fee"]) + [
            moment("created_at"), moment("updated_at"),
        ]
}

/// Encodes entries as the mappings of a configuration say, and counts what becomes of them.
struct MappingTrial {
    private let mappings: [StreamMapping]
    private var encoders: [[Int]: (encoder: StreamEncoder, batches: [TableRows])] = [:]
    private(set) var rows: [String: Int] = [:]
    private(set) var rejections: [Rejection] = []

    init(_ mappings: [StreamMapping]) {
        self.mappings = mappings
    }

    /// Encodes entries of one stream; fields are names and values.
    mutating func encode(_ entries: [[(name: [UInt8], value: [UInt8])]], of stream: StreamKey, now: Int64) throws {
        let block = Self.block(entries, stream)
        let chosen = mappings.indices.filter { index in mappings[index].keys.contains { Self.matches($0, stream) } }
        if encoders[chosen] == nil { encoders[chosen] = try make(chosen) }
        guard case (var encoder, let batches)? = encoders[chosen] else { return }
        batches.forEach { $0.begin() }
        var rejected: [RejectedEntry] = []
        var next = 0
        while next < block.count {
            next = encoder.encode(
                next..<block.count, of: block, stream: stream, now: now, into: batches, rejected: &rejected)
            for batch in batches {
                rows[batch.table, default: 0] += batch.rowCount
                batch.begin()
            }
        }
        encoders[chosen] = (encoder, batches)
        rejections += rejected.map(\.rejection)
    }

    private func make(_ chosen: [Int]) throws -> (StreamEncoder, [TableRows]) {
        let plans = try chosen.map { index in
            try RowPlan(mappings[index], columns: MarketTables.columns(of: mappings[index].table) ?? [])
        }
        return (try StreamEncoder(plans: plans), plans.map(TableRows.init(for:)))
    }

    private static func matches(_ pattern: String, _ stream: StreamKey) -> Bool {
        pattern.hasSuffix("*")
            ? stream.bytes.starts(with: pattern.dropLast().utf8) : stream.bytes.elementsEqual(pattern.utf8)
    }

    private static func block(_ entries: [[(name: [UInt8], value: [UInt8])]], _ stream: StreamKey) -> EntryBlock {
        var block = EntryBlock()
        var bytes: [UInt8] = []
        block.beginStream(stream)
        for (index, fields) in entries.enumerated() {
            block.beginEntry(StreamID(milliseconds: 1_700_000_000_000, sequence: UInt64(index)))
            let start = bytes.count
            for field in fields {
                for part in [field.name, field.value] {
                    block.appendSlice(offset: bytes.count, length: part.count)
                    bytes += part
                }
            }
            block.endEntry(raw: .init(offset: start, length: bytes.count - start))
        }
        block.endStream()
        block.adopt(bytes: bytes + [UInt8](repeating: 0, count: EntryBlock.slack))
        return block
    }
}
