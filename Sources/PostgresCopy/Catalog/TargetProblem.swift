public import PostgresWire

/// Why rows cannot be written to a table as asked. Each names the table, and the column or right in question.
public enum TargetProblem: Error, Equatable, Sendable {
    case noTable(TableName)
    /// A view, a foreign table or something else that COPY cannot fill durably.
    case notATable(TableName, kind: String)
    case noColumn(TableName, column: String)
    case generatedColumn(TableName, column: String)
    /// Temporary or unlogged: rows would vanish in a crash, after they were acknowledged.
    case notPermanent(TableName)
    case rowSecurity(TableName)
    case missingRight(TableName, right: String)
    /// There is no unique index over exactly these columns.
    case noUniqueKey(TableName, key: [String])
    /// Nothing says which of two rows is the later one.
    case noVersion(TableName)
    /// With versions, a NULL in the key would make rows of different things the same row.
    case nullableKey(TableName, column: String)
    /// With a natural key, rows that a trigger dropped could not be told from duplicates.
    case rowTriggers(TableName, triggers: [String])
    case rules(TableName)
    /// There is no such function that takes an array of the table's rows, returns `bigint` and may be called.
    case noFunction(TableName, for: TableName)
    /// The catalog could not be read.
    case postgres(PostgresError)
}

extension TargetProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTable(let table): "table \(table) does not exist, or its schema is not in the search path"
        case .notATable(let table, let kind): "\(table) is not a table (relkind \(kind))"
        case .noColumn(let table, let column): "table \(table) has no column \(column)"
        case .generatedColumn(let table, let column):
            "column \(column) of table \(table) is generated and cannot be written"
        case .notPermanent(let table): "table \(table) is temporary or unlogged: its rows would not survive a crash"
        case .rowSecurity(let table): "row-level security applies to table \(table): COPY is refused"
        case .missingRight(let table, let right): "the database user lacks the right \(right) on table \(table)"
        case .noUniqueKey(let table, let key):
            "table \(table) has no unique index over exactly (\(key.joined(separator: ", ")))"
        case .noVersion(let table): "on_conflict: update of table \(table) names no version columns"
        case .nullableKey(let table, let column):
            "column \(column) of table \(table) is part of the key of on_conflict: update and must be NOT NULL"
        case .rowTriggers(let table, let triggers):
            "table \(table) has a row trigger before INSERT (\(triggers.joined(separator: ", "))): "
                + "on_conflict ignore and update cannot be used with it"
        case .rules(let table): "table \(table) has rules: on_conflict ignore and update cannot be used with it"
        case .noFunction(let function, let table):
            "there is no function \(function)(\(table)[]) returning bigint that the database user may execute"
        case .postgres(let error): error.description
        }
    }
}
