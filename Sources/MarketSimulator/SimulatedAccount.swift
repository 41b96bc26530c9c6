/// One account's position and order in one market: opened, changed, closed, and opened again.
struct SimulatedAccount: Sendable {
    private struct Position {
        var amount: Int64
        var entryPrice: Int64
        var openedAt: Int64
    }

    private struct Order {
        var number: Int64
        var amount: Int64
        var filled: Int64
        var price: Int64
        var placedAt: Int64
    }

    private static let largest: Int64 = 1 << 24

    /// Tells its orders from those of other markets.
    private let number: Int64
    private var position: Position?
    private var order: Order?
    private var orderCount: Int64 = 0

    init(number: Int64) {
        self.number = number
    }

    /// The whole state of the position; now and then its end, with amount 0.
    mutating func writePosition(
        _ entry: inout SimulatedEntry, _ market: SimulatedMarket, _ random: inout SplitMix64, at now: Int64
    ) {
        var state = position ?? Position(amount: 0, entryPrice: market.price, openedAt: now)
        let isClosed = state.amount > 0 && random.below(8) == 0
        if state.amount == 0 || random.below(4) == 0 {
            state.amount = min(state.amount + 1 + random.below(Self.largest >> 4), Self.largest)
        }
        position = isClosed ? nil : state
        let (decimals, amountDecimals) = (market.listing.decimals, SimulatedMarket.amountDecimals)
        let gain = (market.price - state.entryPrice) * state.amount
        entry.field("side", "long")
        entry.field("amount", decimal: isClosed ? 0 : state.amount, decimals: amountDecimals)
        entry.field("entry_price", decimal: state.entryPrice, decimals: decimals)
        entry.field("mark_price", decimal: market.price, decimals: decimals)
        entry.field("unrealized_pnl", decimal: isClosed ? 0 : gain, decimals: decimals + amountDecimals)
        entry.field("realized_pnl", decimal: isClosed ? gain : 0, decimals: decimals + amountDecimals)
        entry.field("leverage", decimal: 1 + number % 10, decimals: 0)
        entry.field("margin_type", "cross")
        entry.field("created_at", decimal: state.openedAt, decimals: 0)
    }

    /// The whole state of the order, from `new` to `filled` or `canceled`.
    mutating func writeOrder(
        _ entry: inout SimulatedEntry, _ market: SimulatedMarket, _ random: inout SplitMix64, at now: Int64,
        prefix: [UInt8]
    ) {
        var state =
            order
            ?? Order(
                number: orderCount, amount: 1 + random.below(Self.largest), filled: 0, price: market.price,
                placedAt: now)
        let draw = order == nil ? 0 : 1 + random.below(8)
        if draw > 1 { state.filled += 1 + random.below(state.amount - state.filled) }
        let isFilled = state.filled == state.amount
        let isOver = isFilled || draw == 1
        order = isOver ? nil : state
        if isOver { orderCount += 1 }
        entry.name("exchange_order_id")
        entry.write(prefix)
        entry.write(decimal: number, decimals: 0)
        entry.write("-")
        entry.write(decimal: state.number, decimals: 0)
        entry.endValue()
        entry.field("type", "limit")
        entry.field("side", state.number & 1 == 0 ? "buy" : "sell")
        entry.field("status", isFilled ? "filled" : isOver ? "canceled" : draw == 0 ? "new" : "partially_filled")
        let (decimals, amountDecimals) = (market.listing.decimals, SimulatedMarket.amountDecimals)
        entry.field("amount", decimal: state.amount, decimals: amountDecimals)
        entry.field("price", decimal: state.price, decimals: decimals)
        entry.field("filled_amount", decimal: state.filled, decimals: amountDecimals)
        entry.field("remaining_amount", decimal: state.amount - state.filled, decimals: amountDecimals)
        entry.field("created_at", decimal: state.placedAt, decimals: 0)
    }
}
