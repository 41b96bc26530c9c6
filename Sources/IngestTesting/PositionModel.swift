/// An entry about a position, with whole numbers for amounts and prices and microseconds since 1970 for times.
public struct PositionEvent: Hashable, Sendable {
    public var exchange: String
    public var symbol: String
    public var updatedAt: Int64
    /// The entry's id: decides between events of one time.
    public var entry: UInt64
    public var amount: Int
    public var entryPrice: Int
    public var markPrice: Int?
    public var createdAt: Int64?

    public init(
        exchange: String, symbol: String, updatedAt: Int64, entry: UInt64, amount: Int, entryPrice: Int,
        markPrice: Int? = nil, createdAt: Int64? = nil
    ) {
        self.exchange = exchange
        self.symbol = symbol
        self.updatedAt = updatedAt
        self.entry = entry
        self.amount = amount
        self.entryPrice = entryPrice
        self.markPrice = markPrice
        self.createdAt = createdAt
    }

    var version: (Int64, UInt64) { (updatedAt, entry) }
    var openedAt: Int64 { createdAt ?? updatedAt }
}

/// What the tables of positions must hold after some events: worked out from all of them, sorted, in one pass.
public struct PositionModel: Sendable {
    /// A row as ``currentQuery`` writes it.
    public private(set) var current: Set<String> = []
    /// Rows as ``historyQuery`` writes them.
    public private(set) var history: Set<String> = []

    public init(_ events: some Sequence<PositionEvent>) {
        for (_, events) in Dictionary(grouping: events, by: { "\($0.exchange) \($0.symbol)" }) {
            play(events.sorted { $0.version < $1.version })
        }
    }

    private mutating func play(_ events: [PositionEvent]) {
        var first: PositionEvent?
        var last: PositionEvent?
        for event in events {
            if event.amount != 0 {
                first = first ?? event
                last = event
            } else if let opened = first?.openedAt, let open = last {
                let exit = Self.text(event.markPrice ?? open.markPrice)
                history.insert(
                    "\(event.exchange) \(event.symbol) \(open.amount) \(open.entryPrice) \(exit) \(opened) "
                        + "\(event.updatedAt) \(event.updatedAt - opened)")
                (first, last) = (nil, nil)
            }
        }
        guard let opened = first?.openedAt, let open = last else { return }
        current.insert(
            "\(open.exchange) \(open.symbol) \(open.amount) \(open.entryPrice) \(Self.text(open.markPrice)) "
                + "\(opened) \(open.updatedAt)")
    }

    private static func text(_ number: Int?) -> String { number.map(String.init) ?? "-" }

    /// Rows `t` of the open positions.
    public static let currentQuery = """
        SELECT concat_ws(' ', exchange, symbol, amount::bigint, entry_price::bigint,
                         coalesce(mark_price::bigint::text, '-'), (extract(epoch FROM created_at) * 1000000)::bigint,
                         (extract(epoch FROM updated_at) * 1000000)::bigint) AS t FROM current_positions
        """
    /// Rows `t` of the closed positions.
    public static let historyQuery = """
        SELECT concat_ws(' ', exchange, symbol, amount::bigint, entry_price::bigint,
                         coalesce(exit_price::bigint::text, '-'), (extract(epoch FROM created_at) * 1000000)::bigint,
                         (extract(epoch FROM closed_at) * 1000000)::bigint,
                         (extract(epoch FROM duration) * 1000000)::bigint) AS t FROM position_history
        """
}
