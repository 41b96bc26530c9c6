public import PostgresWire

/// What happens to a row whose key the table has already.
public enum ConflictPolicy: Equatable, Sendable {
    /// It fails: the table has no such key, or a second row is a mistake.
    case error
    /// It is a duplicate: counted, not stored. Tried as a plain COPY first.
    case ignore(key: [String])
    /// The row with the larger version, compared column by column, stays. NULL is the oldest version. Of the columns
    /// `earliest` the smallest value of all versions stays, whichever came first.
    case update(key: [String], version: [String], earliest: [String] = [])
    /// A function of the database takes the rows, in the order of key and version, and decides what becomes of them:
    /// `function(rows table[]) returns bigint`, the number of rows that were not duplicates.
    case apply(key: [String], version: [String], function: TableName)
}

/// A table that rows are copied into, with the SQL for it: made once, checked against the catalog.
public struct CopyTarget: Equatable, Sendable {
    public let table: TableName
    public let oid: UInt32
    /// Of the columns when they were checked.
    let shape: String
    /// The columns of the COPY, in order.
    public let columns: [String]
    public let policy: ConflictPolicy
    /// Triggers may drop rows: COMMIT is sent only after the counts were checked.
    public let hasRowTriggers: Bool
    let sql: StatementTexts

    /// The target's statements, names quoted.
    struct StatementTexts: Equatable, Sendable {
        var copy: String
        /// The rest is empty for the policy `error`.
        var stageName = ""
        var createStage = ""
        var copyToStage = ""
        /// Writes the staged rows: the query of a common table expression `new`.
        var writeFromStage = ""
        /// How many rows that wrote: an expression over `new`.
        var writtenCount = ""
    }

    /// Checks that the rows can be written as asked.
    /// - Throws: the first ``TargetProblem``.
    public init(
        _ description: TableDescription, columns: [String], policy: ConflictPolicy
    ) throws(TargetProblem) {
        try Self.check(description, columns: columns)
        let index = try Self.keyIndex(of: description, columns: columns, policy: policy)
        table = description.name
        oid = description.oid
        shape = description.shape
        self.columns = columns
        self.policy = policy
        hasRowTriggers = !description.rowTriggers.isEmpty
        do throws(PostgresError) {
            sql = try StatementTexts(description, columns: columns, policy: policy, index: index)
        } catch {
            throw .postgres(error)
        }
    }

    /// Whether rows of this target always go through the staging table.
    public var alwaysStages: Bool {
        switch policy {
        case .error, .ignore: false
        case .update, .apply: true
        }
    }

    /// Makes the staging table.
    func createStage(_ lifetime: StageLifetime) -> String { "\(sql.createStage) ON COMMIT \(lifetime.onCommit)" }

    /// Whether the error of a plain COPY may say that a row's natural key is in the table already: repeat the unit with
    /// staging.
    ///
    /// Which index it was cannot be told: those of partitions and chunks have names of their own. What violates another
    /// one than the key's fails in the staged unit, too.
    func mayHaveRow(_ error: PostgresError) -> Bool {
        guard case .ignore = policy else { return false }
        return error.sqlState == .uniqueViolation
    }

    private static func check(_ table: TableDescription, columns: [String]) throws(TargetProblem) {
        guard table.kind == "r" || table.kind == "p" else { throw .notATable(table.name, kind: table.kind) }
        guard table.isPermanent else { throw .notPermanent(table.name) }
        guard table.mayInsert else { throw .missingRight(table.name, right: "INSERT") }
        guard !table.hasRowSecurity else { throw .rowSecurity(table.name) }
        for name in columns {
            guard let column = table.column(name) else { throw .noColumn(table.name, column: name) }
            if column.isGenerated { throw .generatedColumn(table.name, column: name) }
        }
    }

    private static func keyIndex(
        of table: TableDescription, columns: [String], policy: ConflictPolicy
    ) throws(TargetProblem) -> UniqueIndex? {
        let key: [String]
        switch policy {
        case .error: return nil
        case .ignore(let wanted): key = wanted
        case .update(let wanted, let version, let earliest):
            key = wanted
            try checkVersions(table, columns: columns, key: key, version: version)
            for name in earliest where !columns.contains(name) { throw .noColumn(table.name, column: name) }
        case .apply(let wanted, let version, _):
            key = wanted
            try checkVersions(table, columns: columns, key: key, version: version)
        }
        for name in key where !columns.contains(name) { throw .noColumn(table.name, column: name) }
        guard table.rowTriggers.isEmpty else { throw .rowTriggers(table.name, triggers: table.rowTriggers) }
        guard !table.hasRules else { throw .rules(table.name) }
        guard let index = table.uniqueIndex(over: key) else { throw .noUniqueKey(table.name, key: key) }
        return index
    }

    private static func checkVersions(
        _ table: TableDescription, columns: [String], key: [String], version: [String]
    ) throws(TargetProblem) {
        guard table.mayUpdate else { throw .missingRight(table.name, right: "UPDATE") }
        guard !version.isEmpty else { throw .noVersion(table.name) }
        for name in version where !columns.contains(name) { throw .noColumn(table.name, column: name) }
        for name in key where table.column(name)?.isNotNull == false {
            throw .nullableKey(table.name, column: name)
        }
    }
}
