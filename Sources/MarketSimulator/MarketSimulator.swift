/// Makes market data as a collector would write it to the native streams, the same for the same seed.
///
/// Times rise by `1 / rate`, prices walk in ticks, every trade has its own id. It knows neither a clock nor a
/// generator of its own: what it yields depends on the parameters alone.
public struct MarketSimulator: Sendable {
    private var random: SplitMix64
    private var markets: [SimulatedMarket]
    /// What one account does in each market.
    private var accounts: [SimulatedAccount]
    private let kinds: [MarketKind]
    private let totalWeight: Int64
    private let start: Int64
    private let rate: Int64
    private let tradePrefix: [UInt8]
    /// How many entries it has made.
    public private(set) var count: Int64 = 0

    /// - Parameters:
    ///   - symbols: how many markets, at least 1.
    ///   - kinds: what to make; several kinds are mixed with trades most often.
    ///   - startMicroseconds: the time of the first entry, since 1970-01-01 UTC.
    ///   - rate: entries in a second of the simulated time, at least 1.
    public init(
        seed: UInt64, symbols: Int = 10, kinds: [MarketKind] = [.trades], startMicroseconds: Int64, rate: Int = 1000
    ) {
        precondition(symbols > 0 && rate > 0 && !kinds.isEmpty, "nothing to simulate")
        random = SplitMix64(seed: seed)
        markets = (0..<symbols).map { SimulatedMarket(SimulatedMarket.listing($0), at: startMicroseconds) }
        accounts = (0..<symbols).map { SimulatedAccount(number: Int64($0)) }
        self.kinds = kinds
        totalWeight = kinds.reduce(0) { $0 + $1.weight }
        start = startMicroseconds
        self.rate = Int64(rate)
        tradePrefix = Array("\(String(seed, radix: 36))-".utf8)
    }

    /// The next entry's time in microseconds.
    public var time: Int64 { start + count / rate * 1_000_000 + count % rate * 1_000_000 / rate }

    /// Fills `entry` with the next entry.
    public mutating func next(into entry: inout SimulatedEntry) {
        let now = time
        let index = Int(random.below(Int64(markets.count)))
        markets[index].walk(&random, at: now)
        let kind = drawKind()
        entry.begin(kind.stream)
        switch kind {
        case .trades, .ticker, .orderbook: entry.field("time", decimal: now, decimals: 0)
        case .ohlcv: entry.field("time", decimal: markets[index].candle.start, decimals: 0)
        case .positions, .orders: entry.field("updated_at", decimal: now, decimals: 0)
        }
        entry.field("exchange", markets[index].listing.exchange)
        entry.field("symbol", markets[index].listing.symbol)
        switch kind {
        case .trades: writeTrade(&entry, index)
        case .ticker: writeTicker(&entry, markets[index])
        case .orderbook: writeBook(&entry, markets[index], now)
        case .ohlcv: writeCandle(&entry, markets[index], now)
        case .positions: accounts[index].writePosition(&entry, markets[index], &random, at: now)
        case .orders: accounts[index].writeOrder(&entry, markets[index], &random, at: now, prefix: tradePrefix)
        }
        count += 1
    }

    private mutating func drawKind() -> MarketKind {
        if kinds.count == 1 { return kinds[0] }
        var draw = random.below(totalWeight)
        for kind in kinds {
            if draw < kind.weight { return kind }
            draw -= kind.weight
        }
        return kinds[0]
    }

    private mutating func drawAmount() -> Int64 { 1 + random.below(1 << (4 + random.below(20))) }

    // MARK: Kinds

    private mutating func writeTrade(_ entry: inout SimulatedEntry, _ index: Int) {
        let amount = drawAmount()
        let market = markets[index].listing
        entry.name("trade_id")
        entry.write(tradePrefix)
        entry.write(decimal: count, decimals: 0)
        entry.endValue()
        entry.field("price", decimal: markets[index].price, decimals: market.decimals)
        entry.field("amount", decimal: amount, decimals: SimulatedMarket.amountDecimals)
        let draw = random.next()
        entry.field("side", draw & 1 == 0 ? "buy" : "sell")
        entry.field("type", draw & 14 == 0 ? "market" : "limit")
        entry.field("taker_or_maker", draw & 16 == 0 ? "taker" : "maker")
        markets[index].traded(amount)
    }

    private mutating func writeTicker(_ entry: inout SimulatedEntry, _ market: SimulatedMarket) {
        let (tick, decimals) = (market.listing.tick, market.listing.decimals)
        let spread = tick * (1 + random.below(3))
        let volume = (1 << 34) + random.below(1 << 34)
        entry.field("last_price", decimal: market.price, decimals: decimals)
        entry.field("bid_price", decimal: market.price - spread, decimals: decimals)
        entry.field("ask_price", decimal: market.price + tick, decimals: decimals)
        entry.field("bid_volume", decimal: drawAmount(), decimals: SimulatedMarket.amountDecimals)
        entry.field("ask_volume", decimal: drawAmount(), decimals: SimulatedMarket.amountDecimals)
        entry.field("volume_24h", decimal: volume, decimals: SimulatedMarket.amountDecimals)
        let change = market.price - market.firstPrice
        entry.field("price_change_24h", decimal: change, decimals: decimals)
        entry.field("price_change_percent_24h", decimal: change * 1_000_000 / market.firstPrice, decimals: 4)
    }

    private mutating func writeBook(_ entry: inout SimulatedEntry, _ market: SimulatedMarket, _ now: Int64) {
        entry.field("kind", "snapshot")
        entry.name("bids")
        writeSide(&entry, market, step: -market.listing.tick)
        entry.name("asks")
        writeSide(&entry, market, step: market.listing.tick)
        entry.field("timestamp_ms", decimal: now / 1000, decimals: 0)
    }

    /// Up to ten levels, best first; none at or below zero.
    private mutating func writeSide(_ entry: inout SimulatedEntry, _ market: SimulatedMarket, step: Int64) {
        var price = market.price
        entry.write("[")
        for level in 0..<10 {
            price += step * (1 + random.below(3))
            guard price > 0 else { break }
            entry.write(level == 0 ? "[\"" : ",[\"")
            entry.write(decimal: price, decimals: market.listing.decimals)
            entry.write("\",\"")
            entry.write(decimal: drawAmount(), decimals: SimulatedMarket.amountDecimals)
            entry.write("\"]")
        }
        entry.write("]")
        entry.endValue()
    }

    private func writeCandle(_ entry: inout SimulatedEntry, _ market: SimulatedMarket, _ now: Int64) {
        let decimals = market.listing.decimals
        entry.field("timeframe", "1m")
        entry.field("open", decimal: market.candle.open, decimals: decimals)
        entry.field("high", decimal: market.candle.high, decimals: decimals)
        entry.field("low", decimal: market.candle.low, decimals: decimals)
        entry.field("close", decimal: market.price, decimals: decimals)
        entry.field("volume", decimal: market.candle.volume, decimals: SimulatedMarket.amountDecimals)
        entry.field("trades_count", decimal: market.candle.tradeCount, decimals: 0)
        entry.field("updated_at", decimal: now, decimals: 0)
    }
}
