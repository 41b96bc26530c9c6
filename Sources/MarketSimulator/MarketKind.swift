public import Records

/// What a simulated entry tells about.
public enum MarketKind: String, CaseIterable, Sendable {
    case trades, ticker, orderbook, ohlcv, positions, orders

    /// The kinds that tell about the market rather than about an account in it.
    public static let marketData: [MarketKind] = [.trades, .ticker, .orderbook, .ohlcv]

    /// The native stream of the kind, such as `md:trades`.
    public var stream: StreamKey {
        switch self {
        case .trades: Self.tradesStream
        case .ticker: Self.tickerStream
        case .orderbook: Self.orderbookStream
        case .ohlcv: Self.ohlcvStream
        case .positions: Self.positionsStream
        case .orders: Self.ordersStream
        }
    }

    private static let tradesStream = StreamKey("md:trades")
    private static let tickerStream = StreamKey("md:ticker")
    private static let orderbookStream = StreamKey("md:orderbook")
    private static let ohlcvStream = StreamKey("md:ohlcv")
    private static let positionsStream = StreamKey("md:positions")
    private static let ordersStream = StreamKey("md:orders")

    /// How often the kind comes when all are wanted.
    var weight: Int64 {
        switch self {
        case .trades: 6
        case .ticker: 2
        case .orderbook, .ohlcv, .positions, .orders: 1
        }
    }
}
