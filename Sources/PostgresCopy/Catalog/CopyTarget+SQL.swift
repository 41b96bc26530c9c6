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
        switch policy {
        case .error: break
        case .ignore:
            insertFromStage =
                insert + "SELECT \(list) FROM pg_temp.\(stageName) ORDER BY \(key) ON CONFLICT (\(key)) DO NOTHING"
        case .update(_, let version):
            let newest = try Self.list(version, suffix: " DESC NULLS LAST")
            insertFromStage =
                insert + "SELECT DISTINCT ON (\(key)) \(list) FROM pg_temp.\(stageName) ORDER BY \(key), \(newest) "
                + "ON CONFLICT (\(key)) DO UPDATE SET \(try Self.assignments(columns, key: index.columns)) "
                + "WHERE \(try Self.isOlder(version))"
        }
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

    private static func assignments(_ columns: [String], key: [String]) throws(PostgresError) -> String {
        var assignments: [String] = []
        for name in columns where !key.contains(name) {
            let quoted = try SQLText.quoteIdentifier(name)
            assignments.append("\(quoted) = excluded.\(quoted)")
        }
        return assignments.joined(separator: ", ")
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
