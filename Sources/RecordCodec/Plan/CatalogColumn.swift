/// A column of a table as the database's catalog describes it.
public struct CatalogColumn: Equatable, Sendable {
    public var name: String
    public var type: ColumnType
    /// The column is NOT NULL.
    public var notNull: Bool
    /// The column has a default, an identity or a generation expression: it can be left out.
    public var hasDefault: Bool
    /// The most characters a check constraint allows, for text columns; `nil` without such a check.
    public var checkLength: Int?

    public init(
        name: String, type: ColumnType, notNull: Bool = false, hasDefault: Bool = false, checkLength: Int? = nil
    ) {
        self.name = name
        self.type = type
        self.notNull = notNull
        self.hasDefault = hasDefault
        self.checkLength = checkLength
    }
}
