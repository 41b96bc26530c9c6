/// Why an entry cannot become a row: the reason, and the field and column where it showed.
///
/// It never holds a value of the record, so that it can be logged and shown.
public struct Rejection: Equatable, Hashable, Sendable {
    /// The codes are a contract: they label metrics and group dead letters.
    public enum Reason: String, CaseIterable, Sendable {
        /// No mapping of the stream fits the entry.
        case noMapping = "no_mapping"
        case missingField = "missing_field"
        /// A column that may not be NULL got the text that stands for NULL.
        case nullValue = "null_value"
        case duplicateField = "duplicate_field"
        case tooManyFields = "too_many_fields"
        /// The entry, or one value of it, is larger than its limit.
        case tooLarge = "too_large"
        case invalidUTF8 = "invalid_utf8"
        case nulByte = "nul_byte"
        case notANumber = "not_a_number"
        /// NaN or an infinity where only finite numbers are wanted.
        case notFinite = "not_finite"
        case outOfRange = "out_of_range"
        /// More decimals than the column keeps: storing it would round silently.
        case scale = "scale"
        case invalidTime = "invalid_time"
        case timeWindow = "time_window"
        case invalidBoolean = "invalid_boolean"
        case invalidUUID = "invalid_uuid"
        case invalidJSON = "invalid_json"
        case invalidBook = "invalid_book"
        case invalidBytes = "invalid_bytes"
        case invalidInterval = "invalid_interval"
        case invalidArray = "invalid_array"
        case unknownLookup = "unknown_lookup"
        /// The text is longer than the column, or its check, allows.
        case tooLong = "too_long"
        /// PostgreSQL refused the row.
        case refused = "refused"
        /// A trigger of the table took the row away without an error.
        case suppressed = "row_suppressed"
        /// The table has no partition for the row's time, and may not get one.
        case noPartition = "no_partition"
        /// The row alone brought the process down, several times.
        case crash = "crash"
        /// The entry was deleted or trimmed before it could be stored.
        case deleted = "deleted"
    }

    public var reason: Reason
    /// The entry's field, when one field is to blame.
    public var field: String?
    /// The table's column, when one column is to blame.
    public var column: String?
    /// The table the entry was meant for, when a mapping was chosen.
    public var table: String?
    /// The server's code, when PostgreSQL refused the row.
    public var sqlState: String?

    public init(
        _ reason: Reason, field: String? = nil, column: String? = nil, table: String? = nil, sqlState: String? = nil
    ) {
        self.reason = reason
        self.field = field
        self.column = column
        self.table = table
        self.sqlState = sqlState
    }
}

extension Rejection: CustomStringConvertible {
    /// Such as `not_a_number: field "price" -> market_data_trades.price`.
    public var description: String {
        var text = reason.rawValue
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        if field != nil || column != nil || table != nil { text += ":" }
        if let field { text += " field \"\(field)\"" }
        if column != nil || table != nil {
            text += field == nil ? " " : " -> "
            text += [table, column].compactMap(\.self).joined(separator: ".")
        }
        return text
    }
}
