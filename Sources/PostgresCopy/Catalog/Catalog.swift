public import PostgresWire

/// Reads what the database knows about tables.
public struct Catalog {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Describes a table: the one of that schema, or the one the search path finds.
    /// - Throws: ``TargetProblem/noTable(_:)``, or ``TargetProblem/postgres(_:)``.
    public func describe(
        _ table: TableName, deadline: PostgresConnection.Deadline
    ) throws(TargetProblem) -> TableDescription {
        let found: TableDescription?
        do throws(PostgresError) {
            found = try read(table, deadline: deadline)
        } catch {
            throw .postgres(error)
        }
        guard let found else { throw .noTable(table) }
        return found
    }

    /// Checks the function of ``ConflictPolicy/apply(key:version:function:)``; with other policies there is none.
    /// - Throws: ``TargetProblem/noFunction(_:for:)``, or ``TargetProblem/postgres(_:)``.
    public func checkFunction(
        of policy: ConflictPolicy, for table: TableDescription, deadline: PostgresConnection.Deadline
    ) throws(TargetProblem) {
        guard case .apply(_, _, let function) = policy else { return }
        let isThere: Bool
        do throws(PostgresError) {
            isThere =
                try connection.query(
                    Self.functionQuery, [String(table.oid), function.name, function.schema], deadline: deadline
                ).first != nil
        } catch {
            throw .postgres(error)
        }
        guard isThere else { throw .noFunction(function, for: table.name) }
    }

    private func read(
        _ table: TableName, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> TableDescription? {
        let rows = try connection.query(Self.tableQuery, [table.name, table.schema], deadline: deadline)
        guard let row = rows.first else { return nil }
        let oid = try row.requiredText("oid")
        return TableDescription(
            oid: UInt32(oid) ?? 0, name: TableName(schema: try row.text("schema"), table.name),
            kind: try row.requiredText("kind"), isPermanent: try row.isTrue("is_permanent"),
            hasRowSecurity: try row.isTrue("has_row_security"), mayInsert: try row.isTrue("may_insert"),
            mayUpdate: try row.isTrue("may_update"), rowTriggers: try readTriggers(of: oid, deadline: deadline),
            hasRules: try row.isTrue("has_rules"), shape: try row.text("shape") ?? "",
            columns: try readColumns(of: oid, deadline: deadline),
            uniqueIndexes: try readIndexes(of: oid, deadline: deadline))
    }

    private func readColumns(
        of oid: String, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [ColumnDescription] {
        var columns: [ColumnDescription] = []
        for row in try connection.query(Self.columnQuery, [oid], deadline: deadline) {
            columns.append(
                ColumnDescription(
                    name: try row.requiredText("name"), typeName: try row.requiredText("type"),
                    typmod: Int32(clamping: try row.requiredInteger("typmod")),
                    elementOID: try row.integer("element").map { UInt32(clamping: $0) },
                    declaredType: try row.requiredText("declared"), isNotNull: try row.isTrue("is_not_null"),
                    hasDefault: try row.isTrue("has_default"), isGenerated: try row.isTrue("is_generated"),
                    checkLength: try row.integer("check_length").map { Int($0) }))
        }
        return columns
    }

    private func readIndexes(
        of oid: String, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [UniqueIndex] {
        var indexes: [UniqueIndex] = []
        for row in try connection.query(Self.indexQuery, [oid], deadline: deadline) {
            let name = try row.requiredText("index")
            let column = try row.requiredText("column")
            if indexes.last?.name == name {
                indexes[indexes.count - 1].columns.append(column)
            } else {
                indexes.append(UniqueIndex(name: name, columns: [column]))
            }
        }
        return indexes
    }

    private func readTriggers(
        of oid: String, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [String] {
        var names: [String] = []
        for row in try connection.query(Self.triggerQuery, [oid], deadline: deadline) {
            names.append(try row.requiredText("name"))
        }
        return names
    }
}
