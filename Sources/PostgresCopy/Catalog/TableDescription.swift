public import PostgresWire

/// A column as the database's catalog describes it.
public struct ColumnDescription: Equatable, Sendable {
    public var name: String
    /// `pg_type.typname`, such as `numeric`, `int8` or `_text`; of a domain, its base type's.
    public var typeName: String
    /// `atttypmod`: precision and scale, or length; -1 for none. Of a domain, the domain's.
    public var typmod: Int32
    /// For arrays, the type number of their elements.
    public var elementOID: UInt32?
    /// The type as SQL writes it, such as `numeric(38,18)`.
    public var declaredType: String
    public var isNotNull: Bool
    /// It has a default or is an identity, so it can be left out.
    public var hasDefault: Bool
    /// It is computed from other columns and cannot be written.
    public var isGenerated: Bool
    /// The most characters that a check of the form `length(column) <= n` allows.
    public var checkLength: Int?
}

/// A unique index without predicate or expressions.
public struct UniqueIndex: Equatable, Sendable {
    public var name: String
    /// Its key columns, in order.
    public var columns: [String]

    public init(name: String, columns: [String]) {
        self.name = name
        self.columns = columns
    }
}

/// A table as the database's catalog, and the rights of this session, describe it.
public struct TableDescription: Equatable, Sendable {
    public var oid: UInt32
    /// With its schema.
    public var name: TableName
    /// `r` table, `p` partitioned table, `v` view and so on, as in `pg_class.relkind`.
    public var kind: String
    /// Not temporary and not unlogged: its rows survive a crash.
    public var isPermanent: Bool
    /// Row-level security applies to this session; COPY would be refused.
    public var hasRowSecurity: Bool
    /// The session may use the schema and insert into the table.
    public var mayInsert: Bool
    public var mayUpdate: Bool
    /// Row triggers before INSERT, not counting TimescaleDB's own: they can drop rows without an error.
    public var rowTriggers: [String]
    /// Rewrite rules: an INSERT, unlike a COPY, would follow them.
    public var hasRules: Bool
    /// Changes with the names, order and types of the columns; `ingest.guard_targets` compares it.
    public var shape: String
    public var columns: [ColumnDescription]
    public var uniqueIndexes: [UniqueIndex]

    public func column(_ name: String) -> ColumnDescription? {
        columns.first { $0.name == name }
    }

    /// The unique index over exactly these columns, in any order.
    public func uniqueIndex(over key: [String]) -> UniqueIndex? {
        uniqueIndexes.first { $0.columns.count == key.count && Set($0.columns) == Set(key) }
    }
}
