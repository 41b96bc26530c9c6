public import Records

/// Everything that one transaction writes: rows, ledger ranges, dead letters, lineage.
///
/// The law of the ledger: *a transaction may record a range only if it holds, and disposes of, every entry that exists
/// in that stream within the range.* Whoever fills a unit has to keep it; the unit only writes down what it is told.
public struct CommitUnit {
    /// The rows of one table.
    public struct Rows {
        public var target: CopyTarget
        /// How many rows the data hold: the server must confirm exactly as many.
        public var count: Int
        public var source: any CopySource
        /// Goes through a staging table because a plain COPY met a row with the same key. Always so for `update`.
        public var isStaged: Bool

        public init(target: CopyTarget, count: Int, source: any CopySource, isStaged: Bool = false) {
            self.target = target
            self.count = count
            self.source = source
            self.isStaged = isStaged || target.alwaysStages
        }
    }

    /// A row for the ledger.
    public struct Range: Equatable, Sendable {
        public var source: SourceNumber
        public var ids: IDRange
        /// Entries the range stands for: rows, duplicates and dead letters.
        public var count: Int

        public init(source: SourceNumber, ids: IDRange, count: Int) {
            self.source = source
            self.ids = ids
            self.count = count
        }
    }

    /// A statement of the caller that runs in the transaction, after the rows and before the fence.
    public struct Statement: Equatable, Sendable {
        public var sql: String
        /// How many rows it has to touch; any number when `nil`. Another number fails the unit.
        public var rows: Int?

        public init(_ sql: String, rows: Int? = nil) {
            self.sql = sql
            self.rows = rows
        }
    }

    /// In the order of tables' names: every transaction takes its locks in one order.
    public let rows: [Rows]
    /// In the order (source, lower id): the fence of two transactions cannot deadlock.
    public let ranges: [Range]
    public var letters: [DeadLetter]
    public var statements: [Statement]
    public var lineage: BatchLineage?
    /// Ends with ROLLBACK instead of COMMIT: everything is tried and nothing is kept. See
    /// ``CommitReport/isRehearsed``.
    public var isRehearsal = false

    /// - Precondition: no two ranges overlap; merge them first (a call to the fence can collide with itself).
    public init(
        rows: [Rows] = [], ranges: [Range] = [], letters: [DeadLetter] = [], statements: [Statement] = [],
        lineage: BatchLineage? = nil
    ) {
        self.rows = rows.sorted { ($0.target.table, $0.target.oid) < ($1.target.table, $1.target.oid) }
        self.ranges = ranges.sorted { ($0.source, $0.ids.lower) < ($1.source, $1.ids.lower) }
        self.letters = letters
        self.statements = statements
        self.lineage = lineage
    }

    /// The same unit with one table's rows going through staging.
    /// - Parameter table: an index of ``rows``, as ``CommitReport/duplicateKeyTable`` gives it.
    public func staging(table index: Int) -> CommitUnit {
        var staged = rows
        staged[index].isStaged = true
        var unit = CommitUnit(rows: staged, ranges: ranges, letters: letters, statements: statements, lineage: lineage)
        unit.isRehearsal = isRehearsal
        return unit
    }

    /// Most letters in one transaction.
    public static let letterLimit = 1_000
    /// Most bytes of small letters' fields in one transaction; they travel as text of twice the size.
    public static let letterBytesLimit = 8 << 20
}
