public import Records

/// Why a mapping does not fit its table: which mapping, which column, and what to do about it.
public struct PlanError: Error, Equatable, Sendable {
    public enum Problem: Equatable, Sendable {
        /// The table has no such column; with the nearest name it has.
        case unknownColumn(nearest: String?)
        /// The mapping fills the column twice.
        case repeatedColumn
        /// The codec cannot write the column's type.
        case unsupportedType(ColumnType)
        /// The format cannot produce the column's type.
        case formatDoesNotFit(ColumnMapping.Format, ColumnType)
        /// The source (an entry's id or time) cannot produce the column's type.
        case sourceDoesNotFit(String, ColumnType)
        /// A constant, or a text of `lookup` or `present`, is no value of the column's type.
        case badConstant(String, Rejection.Reason)
        /// The column is NOT NULL, has no default, and the mapping does not fill it.
        case unfilled
        /// The time window names a column that holds no time, or that the mapping does not fill.
        case windowWithoutTime
        /// The mapping fills no column, or a column names no field.
        case nothingToFill
        /// Mappings that share a batch of rows differ in table or columns.
        case differentRows(other: String)
    }

    /// The mapping's name.
    public var mapping: String
    public var table: String
    /// The column, unless the mapping as a whole is meant.
    public var column: String?
    public var problem: Problem

    public init(mapping: String, table: String, column: String?, problem: Problem) {
        self.mapping = mapping
        self.table = table
        self.column = column
        self.problem = problem
    }
}

extension PlanError: CustomStringConvertible {
    /// Such as `mapping "trades": market_data_trades has no column "prize"; did you mean "price"?`.
    public var description: String {
        let name = column ?? ""
        let place = "mapping \"\(mapping)\": "
        switch problem {
        case .unknownColumn(let nearest):
            let hint = nearest.map { "; did you mean \"\($0)\"?" } ?? ""
            return place + "\(table) has no column \"\(name)\"\(hint)"
        case .repeatedColumn:
            return place + "column \"\(name)\" is filled twice; keep one entry and list its fields there"
        case .unsupportedType(let type):
            return place + "column \"\(name)\" of \(table) has type \(type), which cannot be written; leave it out"
        case .formatDoesNotFit(let format, let type):
            return place + "format \(format.rawValue) does not fit column \"\(name)\" of type \(type); use auto"
        case .sourceDoesNotFit(let source, let type):
            return place + "\(source) does not fit column \"\(name)\" of type \(type)"
        case .badConstant(let text, let reason):
            return place + "\"\(text)\" is no value for column \"\(name)\" of \(table) (\(reason.rawValue))"
        case .unfilled:
            return place + "column \"\(name)\" of \(table) is NOT NULL without default; map a field or constant to it"
        case .windowWithoutTime:
            return place + "the time window needs column \"\(name)\" to be mapped and to hold a time"
        case .nothingToFill:
            return place + (column == nil ? "no columns are mapped" : "column \"\(name)\" names no field")
        case .differentRows(let other):
            return place + "cannot share rows with mapping \"\(other)\": table or columns differ"
        }
    }
}
