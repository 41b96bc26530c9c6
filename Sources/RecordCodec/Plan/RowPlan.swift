/// A mapping that was checked against its table and compiled: how entries become rows of that table.
///
/// The columns of the COPY stand in the order of the catalog, so that two mappings which fill the same columns of a
/// table can share one batch of rows. Columns that the mapping does not fill are left out and get their default.
/// Immutable; it may be used by any number of encoders at once.
public struct RowPlan: Sendable {
    public let mapping: StreamMapping
    /// The columns of the COPY, in order.
    public let columns: [String]
    /// The column whose times are counted and held against the window; `nil` when no time column is filled.
    public let timeColumn: String?

    let program: PlanProgram
    let fieldNames: [String]

    /// The target, `table` or `schema.table`.
    public var table: String { mapping.table }

    /// Compiles a mapping.
    /// - Parameter columns: the table's columns in the order of `pg_attribute.attnum`, without dropped ones.
    /// - Throws: ``PlanError`` for the first thing that does not fit.
    public init(_ mapping: StreamMapping, columns: [CatalogColumn]) throws(PlanError) {
        var compiler = PlanCompiler(mapping: mapping, catalog: columns)
        try compiler.compile()
        self.mapping = mapping
        self.columns = compiler.columns
        timeColumn = compiler.timeColumn
        program = PlanProgram(compiler.draft)
        fieldNames = compiler.draft.fieldNames
    }

    /// Throws unless the rows of both plans can go into one COPY.
    func checkSharing(with other: RowPlan) throws(PlanError) {
        guard table == other.table, columns == other.columns else {
            throw PlanError(
                mapping: mapping.name, table: table, column: nil, problem: .differentRows(other: other.mapping.name))
        }
    }
}
