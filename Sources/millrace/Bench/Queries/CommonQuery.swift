/// The five things that people ask most.
enum CommonQuery: String, CaseIterable {
    case latestTicker = "latest_ticker"
    case lastTrades = "last_trades"
    case candles = "candles"
    case nearestBook = "nearest_book"
    case openOrders = "open_orders"

    /// `$1` is the exchange, `$2` the symbol, where the query has one.
    var sql: String {
        switch self {
        case .latestTicker: "SELECT * FROM latest_ticker WHERE exchange = $1 AND symbol = $2"
        case .lastTrades:
            """
            SELECT time, price, amount, side FROM market_data_trades
             WHERE exchange = $1 AND symbol = $2 ORDER BY time DESC LIMIT 1000
            """
        case .candles:
            """
            SELECT time, open, high, low, close, volume FROM market_data_ohlcv
             WHERE exchange = $1 AND symbol = $2 AND timeframe = '1h' AND time >= now() - interval '30 days'
               AND time < now()
             ORDER BY time
            """
        case .nearestBook:
            """
            SELECT * FROM (
              (SELECT time, bids, asks FROM market_data_orderbook
                WHERE exchange = $1 AND symbol = $2 AND time <= now() - interval '10 days' ORDER BY time DESC LIMIT 1)
              UNION ALL
              (SELECT time, bids, asks FROM market_data_orderbook
                WHERE exchange = $1 AND symbol = $2 AND time > now() - interval '10 days' ORDER BY time LIMIT 1)) near
             ORDER BY abs(extract(epoch FROM time - (now() - interval '10 days'))) LIMIT 1
            """
        case .openOrders: "SELECT * FROM orders WHERE exchange = $1 AND status = 'open' ORDER BY created_at DESC"
        }
    }

    var parameterCount: Int { self == .openOrders ? 1 : 2 }
}
