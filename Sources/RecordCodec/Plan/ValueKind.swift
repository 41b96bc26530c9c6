/// How the text of a value is read, and as what it is written. Plain data, so that a switch over it costs nothing.
enum ValueKind: Equatable, Sendable {
    case scalar(ScalarKind)
    case book(BookShape)
    case array(of: ScalarKind, elementOID: UInt32)

    /// The value as a moment, when it is one.
    var isTime: Bool {
        if case .scalar(.time(_, let target)) = self { return target != .milliseconds }
        return false
    }
}

/// A value that is no list of others; also the element of an array.
enum ScalarKind: Equatable, Sendable {
    case text(maxCharacters: Int32)
    case numeric(NumericShape)
    case integer(IntegerWidth, rounds: Bool)
    case float4, float8
    case bool
    case time(TimeReading, TimeTarget)
    case json(binary: Bool)
    case uuid, bytea, interval
}

/// The declared size of a numeric column.
struct NumericShape: Equatable, Sendable {
    /// Digits before the decimal point that fit: precision - scale.
    var integerDigits: Int32
    /// Decimals kept.
    var scale: Int32
    /// More decimals are rounded half to even instead of rejected.
    var rounds: Bool

    /// Plain `numeric`: what the server's own format can hold.
    static let unlimited = NumericShape(integerDigits: 131_072, scale: 16_383, rounds: false)

    var isUnlimited: Bool { integerDigits == 131_072 }
}

enum IntegerWidth: Int32, Sendable {
    case two = 2
    case four = 4
    case eight = 8
}

/// How a time is written by the producer.
enum TimeReading: Sendable {
    /// Numbers by their size, else ISO 8601.
    case automatic
    case seconds, milliseconds, microseconds, nanoseconds
    case iso8601
}

/// As what a time is stored.
enum TimeTarget: Sendable {
    /// `timestamptz`, or `timestamp` in UTC.
    case timestamp
    /// The day in UTC.
    case date
    /// `bigint`: milliseconds since 1970.
    case milliseconds
}

struct BookShape: Equatable, Sendable {
    /// `jsonb` wants a version byte.
    var isBinaryJSON: Bool
    /// A level of three is `[order, price, size]`, not `[price, size, order]`.
    var orderFirst: Bool
}
