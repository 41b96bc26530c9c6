/// Where the value of one column comes from and how its text is read.
public struct ColumnMapping: Equatable, Sendable {
    /// The column's name in the table.
    public var column: String
    public var source: Source
    /// Steps into the field's JSON, such as `["bid"]`; empty takes the field's text as it is.
    public var path: [PathStep]
    public var format: Format
    /// Texts that stand for NULL, such as cryptofeed's `None`. They count like a missing field.
    public var nullTexts: [String]
    /// Value by value translation, such as `True` -> `true`. A value it does not name is rejected
    /// (`unknown_lookup`), unless ``lookupOthers`` keeps it.
    public var lookup: [String: String]
    /// A value that ``lookup`` does not name is kept as it is.
    public var lookupOthers: Bool
    /// Used when no field of ``source`` is there (or it holds a null text).
    public var fallback: Fallback?
    /// Numbers with more decimals than the column keeps are rounded half to even instead of rejected.
    public var rounds: Bool

    public init(
        column: String, source: Source, path: [PathStep] = [], format: Format = .automatic, nullTexts: [String] = [],
        lookup: [String: String] = [:], lookupOthers: Bool = false, fallback: Fallback? = nil, rounds: Bool = false
    ) {
        self.column = column
        self.source = source
        self.path = path
        self.format = format
        self.nullTexts = nullTexts
        self.lookup = lookup
        self.lookupOthers = lookupOthers
        self.fallback = fallback
        self.rounds = rounds
    }

    public enum Source: Equatable, Sendable {
        /// The first of these fields that is there and not null.
        case fields([String])
        /// A text per field: the first field that is there decides (`present: {book: snapshot, delta: delta}`).
        case present([PresenceRule])
        case entryID
        /// The moment in the entry's id.
        case entryTime
        case streamName
        case constant(String)
    }

    public struct PresenceRule: Equatable, Sendable {
        public var field: String
        public var text: String

        public init(field: String, text: String) {
            self.field = field
            self.text = text
        }
    }

    public enum PathStep: Equatable, Sendable {
        case key(String)
        case index(Int)
    }

    public enum Format: String, CaseIterable, Sendable {
        /// What the column's type suggests; times are recognised by their size, or as ISO 8601.
        case automatic = "auto"
        case epochSeconds = "epoch_seconds"
        case epochMilliseconds = "epoch_millis"
        case epochMicroseconds = "epoch_micros"
        case epochNanoseconds = "epoch_nanos"
        case iso8601
        /// One side of an order book, stored as `[["price","size"(,"order_id")],…]`, in the order given.
        case book
        /// As `book`, for levels that name the order before the price: `[id, price, size]`.
        case bookOrderFirst = "book_id_first"
    }

    /// `default:` of a column.
    public enum Fallback: Equatable, Sendable {
        case constant(String)
        /// Another field's value, read with the same path and format.
        case field(String)
        case entryID
        case entryTime
        case streamName
    }
}
