import Records

/// What published entries must become, counted from their text on the way: a second way to the figures, which shares
/// no code with the codec.
struct ExpectedRows: Sendable {
    struct Table: Sendable {
        /// Entries that belong to the table.
        var entries = 0
        /// Rows that must be there in the end.
        var rows = 0
    }

    private(set) var tables: [String: Table] = [:]
    private var tradesSeen: Set<String> = []
    private var candlesSeen: Set<String> = []

    static let names = ["market_data_trades", "market_data_ticker", "market_data_orderbook", "market_data_ohlcv"]

    /// The table of a stream by the beginning of its name; `nil` when the built-in configuration reads no such stream.
    static func table(of stream: StreamKey) -> String? {
        let name = stream.description
        let kind =
            name.hasPrefix("md:") ? name.dropFirst(3) : name.prefix(upTo: name.firstIndex(of: "-") ?? name.endIndex)
        return switch kind {
        case "trades": "market_data_trades"
        case "ticker": "market_data_ticker"
        case "orderbook", "book": "market_data_orderbook"
        case "ohlcv", "candles": "market_data_ohlcv"
        default: nil
        }
    }

    /// Counts an entry. `value` gives the text of a field, `nil` when there is none.
    mutating func add(_ table: String, value: (String) -> String?) {
        tables[table, default: Table()].entries += 1
        if isNew(table, value) { tables[table, default: Table()].rows += 1 }
    }

    /// A trade that has an id is one row however often it comes; of a candle the last version stays.
    private mutating func isNew(_ table: String, _ value: (String) -> String?) -> Bool {
        func key(_ names: [String]) -> String { names.map { value($0) ?? "" }.joined(separator: "\n") }
        switch table {
        case "market_data_trades":
            // Both worlds name their fields differently; the simulator's trades all have ids of their own.
            guard let id = value("id"), id != "None" else { return true }
            return tradesSeen.insert(key(["exchange", "symbol", "timestamp", "id"])).inserted
        case "market_data_ohlcv":
            return candlesSeen.insert(key(["exchange", "symbol", "start", "interval", "time", "timeframe"])).inserted
        default:
            return true
        }
    }

    var entries: Int { tables.values.reduce(0) { $0 + $1.entries } }
}
