import PostgresWire

extension CopyTarget.StatementTexts {
    init(
        _ table: TableDescription, columns: [String], policy: ConflictPolicy, index: UniqueIndex?
    ) throws(PostgresError) {
        let target = try table.name.quoted()
        let list = try Self.list(columns)
        copy = "COPY \(target) (\(list)) FROM STDIN (FORMAT binary)"
        guard let index else { return }
        let definitions = try Self.definitions(table, columns)
        stageName = Self.stageName(for: table, definitions: definitions)
        // Types from the catalog rather than LIKE: that would need SELECT on the target.
        createStage = "CREATE TEMP TABLE IF NOT EXISTS \(stageName) (\(definitions))"
        copyToStage = "COPY pg_temp.\(stageName) (\(list)) FROM STDIN (FORMAT binary)"
        // In the order of the key, so that two writers meet the same rows in the same order.
        let key = try Self.list(index.columns)
        let insert = "INSERT INTO \(target) AS old (\(list)) "
        writtenCount = "count(*)"
        switch policy {
        case .error: break
        case .ignore:
            writeFromStage =
                insert + "SELECT \(list) FROM pg_temp.\(stageName) ORDER BY \(key) ON CONFLICT (\(key)) DO NOTHING "
                + "RETURNING 1"
        case .update(_, let version, let earliest):
            let newest = try Self.list(version, suffix: " DESC NULLS LAST")
            let values = try Self.values(columns, key: key, earliest: earliest)
            let change = try Self.change(columns, key: index.columns, version: version, earliest: earliest)
            writeFromStage =
                insert + "SELECT DISTINCT ON (\(key)) \(values) FROM pg_temp.\(stageName) ORDER BY \(key), \(newest) "
                + "ON CONFLICT (\(key)) DO UPDATE \(change) RETURNING 1"
        case .apply(_, let version, let function):
            let row = try Self.row(of: table, columns: columns)
            let order = try key + ", " + Self.list(version, suffix: " NULLS FIRST")
            writeFromStage =
                "SELECT \(try function.quoted())(ARRAY(SELECT \(row)::\(target) FROM pg_temp.\(stageName) AS new "
                + "ORDER BY \(order))) AS written"
            writtenCount = "sum(written)"
        }
    }

    /// A row of the table; NULL in the columns that are not copied.
    private static func row(of table: TableDescription, columns: [String]) throws(PostgresError) -> String {
        var values: [String] = []
        for column in table.columns {
            values.append(columns.contains(column.name) ? "new." + (try SQLText.quoteIdentifier(column.name)) : "NULL")
        }
        return "ROW(\(values.joined(separator: ", ")))"
    }

    /// What a batch has of each column; of the columns `earliest`, the smallest value of all its versions.
    private static func values(
        _ columns: [String], key: String, earliest: [String]
    ) throws(PostgresError) -> String {
        var values: [String] = []
        for name in columns {
            let quoted = try SQLText.quoteIdentifier(name)
            values.append(earliest.contains(name) ? "min(\(quoted)) OVER (PARTITION BY \(key))" : quoted)
        }
        return values.joined(separator: ", ")
    }

    /// `SET … WHERE …` for a row whose key is there already.
    private static func change(
        _ columns: [String], key: [String], version: [String], earliest: [String]
    ) throws(PostgresError) -> String {
        let isOlder = try isOlder(version)
        var assignments: [String] = []
        var conditions = [isOlder]
        for name in columns where !key.contains(name) {
            let quoted = try SQLText.quoteIdentifier(name)
            let (old, new) = ("old.\(quoted)", "excluded.\(quoted)")
            if earliest.contains(name) {
                assignments.append("\(quoted) = least(\(old), \(new))")
                conditions.append("\(new) < \(old)")
            } else if earliest.isEmpty {
                assignments.append("\(quoted) = \(new)")
            } else {
                assignments.append("\(quoted) = CASE WHEN \(isOlder) THEN \(new) ELSE \(old) END")
            }
        }
        return "SET \(assignments.joined(separator: ", ")) WHERE \(conditions.joined(separator: " OR "))"
    }

    private static func list(
        _ names: [String], prefix: String = "", suffix: String = ""
    ) throws(PostgresError) -> String {
        var quoted: [String] = []
        for name in names { quoted.append(prefix + (try SQLText.quoteIdentifier(name)) + suffix) }
        return quoted.joined(separator: ", ")
    }

    private static func definitions(_ table: TableDescription, _ columns: [String]) throws(PostgresError) -> String {
        var definitions: [String] = []
        for name in columns {
            definitions.append(try SQLText.quoteIdentifier(name) + " " + (table.column(name)?.declaredType ?? "text"))
        }
        return definitions.joined(separator: ", ")
    }

    /// Compares column by column; NULL is older than any value.
    private static func isOlder(_ version: [String]) throws(PostgresError) -> String {
        var condition = ""
        for name in version.reversed() {
            let column = try SQLText.quoteIdentifier(name)
            let (old, new) = ("old.\(column)", "excluded.\(column)")
            let tie = condition.isEmpty ? "" : " OR \(old) IS NOT DISTINCT FROM \(new) AND \(condition)"
            condition = "(\(old) < \(new) OR \(old) IS NULL AND \(new) IS NOT NULL\(tie))"
        }
        return condition
    }

    /// One for each table and list of columns; it changes with the columns' types.
    private static func stageName(for table: TableDescription, definitions: String) -> String {
        var hash = StableHash()
        hash.combine(table.name.description)
        hash.combine(definitions)
        return "millrace_stage_" + hash.hex
    }
}
