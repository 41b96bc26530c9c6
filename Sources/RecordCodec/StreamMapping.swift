/// How the entries of some streams become rows of one table.
///
/// Several mappings may name the same stream: the first whose ``condition`` holds for an entry takes it.
public struct StreamMapping: Equatable, Sendable {
    /// The mapping's name in the configuration, such as `trades`.
    public var name: String
    /// Stream names, or glob patterns (`trades-*`) that discovery resolves.
    public var keys: [String]
    /// The target, `table` or `schema.table`.
    public var table: String
    /// Which entries it takes; `nil` takes every entry.
    public var condition: Condition?
    public var columns: [ColumnMapping]
    public var onConflict: ConflictPolicy
    /// For `ignore` and `update`: the columns of the unique key that makes a resend the same row.
    public var key: [String]
    /// For `update`: the columns whose larger values, compared in order, mark the later version of a row.
    public var version: [String]
    /// For `update`: columns of which the smallest value of all versions is kept.
    public var earliest: [String]
    /// For `update`: the function of the database that the rows are handed to instead, `name` or `schema.name`.
    public var apply: String?
    /// Times outside are rejected; `nil` accepts every time the column can hold.
    public var timeWindow: TimeWindow?

    public init(
        name: String, keys: [String], table: String, condition: Condition? = nil, columns: [ColumnMapping],
        onConflict: ConflictPolicy = .error, key: [String] = [], version: [String] = [],
        earliest: [String] = [], apply: String? = nil, timeWindow: TimeWindow? = .standard
    ) {
        self.name = name
        self.keys = keys
        self.table = table
        self.condition = condition
        self.columns = columns
        self.onConflict = onConflict
        self.key = key
        self.version = version
        self.earliest = earliest
        self.apply = apply
        self.timeWindow = timeWindow
    }

    /// `when:` of a mapping.
    public enum Condition: Equatable, Sendable {
        /// The entry has the field.
        case present(String)
        /// The entry has the field with exactly this value.
        case equals(field: String, value: String)
    }

    /// What happens to a row whose key is already in the table.
    public enum ConflictPolicy: String, CaseIterable, Sendable {
        /// The table has no such key, or a second row is an error of the producer.
        case error
        /// The row is already there: counted as a duplicate.
        case ignore
        /// The later version of the row wins.
        case update
    }
}

/// The times a mapping accepts in one column: from a fixed moment until some time after now.
public struct TimeWindow: Equatable, Sendable {
    /// The column that is checked.
    public var column: String
    /// Microseconds since 1970-01-01 UTC; earlier times are rejected.
    public var earliestMicroseconds: Int64
    /// How far ahead of the worker's clock a time may lie, in microseconds.
    public var aheadMicroseconds: Int64

    public init(column: String, earliestMicroseconds: Int64, aheadMicroseconds: Int64) {
        self.column = column
        self.earliestMicroseconds = earliestMicroseconds
        self.aheadMicroseconds = aheadMicroseconds
    }

    /// Column `time`, from 2009-01-03 (the first bitcoin block) until one day ahead.
    public static let standard = TimeWindow(
        column: "time", earliestMicroseconds: 1_230_940_800_000_000, aheadMicroseconds: 86_400_000_000)
}
