/// One symbol on one exchange: its price walks at random in whole ticks.
struct SimulatedMarket: Sendable {
    struct Listing: Sendable {
        var exchange: StaticString
        var symbol: [UInt8]
        /// The first price, in units of ten to the power of `-decimals`.
        var price: Int64
        var decimals: Int
        /// In the same units.
        var tick: Int64
    }

    struct Candle: Sendable {
        /// Microseconds since 1970, a whole minute.
        var start: Int64
        var open: Int64
        var high: Int64
        var low: Int64
        var volume: Int64
        var tradeCount: Int64
    }

    static let amountDecimals = 6
    static let minute: Int64 = 60_000_000

    let listing: Listing
    private(set) var price: Int64
    private(set) var candle: Candle
    /// What the price was at the start, for changes over the day.
    let firstPrice: Int64

    init(_ listing: Listing, at time: Int64) {
        self.listing = listing
        price = listing.price
        firstPrice = listing.price
        candle = Self.candle(at: time, price: listing.price)
    }

    private static func candle(at time: Int64, price: Int64) -> Candle {
        Candle(start: time - time % minute, open: price, high: price, low: price, volume: 0, tradeCount: 0)
    }

    /// Half a tick on average: mostly still, sometimes a few ticks, never below ten ticks.
    mutating func walk(_ random: inout SplitMix64, at time: Int64) {
        let draw = random.below(16)
        let step: Int64 = draw < 8 ? 0 : (draw < 14 ? 1 : 1 + random.below(5))
        price += (draw & 1 == 0 ? step : -step) * listing.tick
        price = max(price, 10 * listing.tick)
        if time >= candle.start + Self.minute { candle = Self.candle(at: time, price: price) }
        candle.high = max(candle.high, price)
        candle.low = min(candle.low, price)
    }

    mutating func traded(_ amount: Int64) {
        candle.volume += amount
        candle.tradeCount += 1
    }
}

extension SimulatedMarket {
    private static let known: [(base: StaticString, price: Int64, decimals: Int, tick: Int64)] = [
        ("BTC", 6_543_210, 2, 1), ("ETH", 345_678, 2, 1), ("SOL", 1_502_500, 4, 100), ("XRP", 52_341, 5, 1),
        ("DOGE", 123_456, 6, 1), ("ADA", 451_200, 6, 10), ("AVAX", 352_400, 4, 10), ("LINK", 146_210, 4, 10),
        ("SHIB", 24_510, 9, 10), ("LTC", 7_215, 2, 1),
    ]

    private static let exchanges: [StaticString] = ["BINANCE", "COINBASE", "KRAKEN", "OKX"]

    /// The first ten symbols are well known ones; later ones are numbered.
    static func listing(_ index: Int) -> Listing {
        let (base, price, decimals, tick) = known[index % known.count]
        var symbol = base.withUTF8Buffer { Array($0) }
        if index >= known.count { symbol += Array(String(index / known.count).utf8) }
        symbol += Array("-USDT".utf8)
        return Listing(
            exchange: exchanges[index % exchanges.count], symbol: symbol, price: price, decimals: decimals, tick: tick)
    }
}
