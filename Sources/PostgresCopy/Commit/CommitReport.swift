public import PostgresWire

/// What came back for one unit: the facts, as the wire saw them.
public struct CommitReport: Sendable {
    /// One table of the unit.
    public struct Table: Equatable, Sendable {
        public var name: TableName
        /// Rows in the data.
        public var expected: Int
        /// The `n` of `COPY n`; `nil` when it did not come.
        public var copied: Int?
        /// Rows inserted or updated from the staging table; `nil` without staging.
        public var written: Int?
        /// From the server's asking for the rows until all were handed over; `nil` when they were not.
        public var copySeconds: Double?

        /// Rows that the table now has because of this unit.
        public var stored: Int { written ?? copied ?? 0 }
        /// Rows that a natural key, or a later version, kept out.
        public var duplicates: Int { written.map { (copied ?? 0) - $0 } ?? 0 }
    }

    /// In the unit's order.
    public internal(set) var tables: [Table]
    /// Parts of large letters: sent, and confirmed.
    public internal(set) var expectedParts = 0
    public internal(set) var copiedParts: Int?
    /// The tag of the last command, such as `COMMIT`.
    public internal(set) var finalTag: String?
    /// Warnings, also those that triggers and extensions raised while rows were written.
    public internal(set) var warnings: [PostgresNotice] = []
    /// Warnings outside the writing of rows: whether the transaction is durable is then unknown.
    public internal(set) var doubtfulWarnings = 0
    /// The transaction was over after the last result.
    public internal(set) var isIdle = false
    /// The first error.
    public internal(set) var failure: PostgresError?
    /// The table in whose COPY, or insert from staging, the error came.
    public internal(set) var failedTable: Int?
    /// Set when the unit failed on the natural key of a table that was copied directly: repeat it with
    /// ``CommitUnit/staging(table:)``.
    public internal(set) var duplicateKeyTable: Int?
    /// A statement of the caller touched another number of rows than it had to.
    public internal(set) var hasWrongStatement = false
    /// The session is gone; a new connection and a new ``CommitSession`` are needed.
    public internal(set) var isConnectionLost = false
    /// The server may have seen all it needs to run COMMIT. With a lost connection the outcome is then unknown: commit
    /// the same unit again, and the fence will tell.
    public internal(set) var mayHaveCommitted = false

    /// Of nothing so far.
    init() {
        tables = []
    }

    /// Whether every row that was sent was confirmed.
    public var countsAgree: Bool {
        tables.allSatisfy { $0.copied == $0.expected } && (copiedParts ?? 0) == expectedParts && !hasWrongStatement
    }

    /// Rows, ledger and letters are durable. Only then may entries be acknowledged.
    public var isDurable: Bool {
        failure == nil && !isConnectionLost && finalTag == "COMMIT" && countsAgree && doubtfulWarnings == 0 && isIdle
    }

    /// Everything of a unit that is a rehearsal went well, and nothing of it was kept.
    public var isRehearsed: Bool {
        failure == nil && !isConnectionLost && finalTag == "ROLLBACK" && countsAgree && isIdle
    }

    /// `SL001`: some of the entries are in the ledger already. Nothing of the unit was stored.
    public var isConflict: Bool { failure?.sqlState == .alreadyCommitted && !isConnectionLost }

    /// `SL002`: a target is not the table it was when it was checked. Nothing of the unit was stored; describe the
    /// table again and make a new ``CopyTarget``.
    public var isTargetChanged: Bool { failure?.sqlState == .targetChanged && !isConnectionLost }
}
