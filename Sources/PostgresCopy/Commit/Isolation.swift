public import PostgresWire

/// Rows of one table that can be sent in pieces, so that a refused one is left out.
public struct IsolatedRows {
    public var target: CopyTarget
    public var count: Int
    public var source: any SlicedCopySource
    public var isStaged: Bool
    /// Rows that the table has refused in earlier transactions since it took one.
    public var refusedBefore: Int

    public init(
        target: CopyTarget, count: Int, source: any SlicedCopySource, isStaged: Bool, refusedBefore: Int = 0
    ) {
        self.target = target
        self.count = count
        self.source = source
        self.refusedBefore = refusedBefore
        self.isStaged = isStaged || target.alwaysStages
    }
}

/// A row that the database does not take.
public struct RefusedRow: Sendable {
    /// Index of its table.
    public let table: Int
    /// Its place among the table's rows.
    public let row: Int
    public let error: PostgresError
}

/// What an error says while rows are being isolated.
public enum RefusalVerdict: Equatable, Sendable {
    /// A row is to blame: named by COPY's line (which is enough for `confirmations` of 1), or failing alone so often.
    /// - Parameters:
    ///   - isDoubtful: the kind of error that a wrong encoding of every row would cause, too: when the first few rows
    ///     fail alike, it is the table that refuses.
    ///   - trustsLine: COPY's line is the row's. While a buffer of rows is written, COPY names the last of them.
    case row(confirmations: Int, isDoubtful: Bool = false, trustsLine: Bool = false)
    /// No row is to blame: the transaction ends here.
    case abort
}

/// What came of a transaction that isolates rows.
public struct IsolationReport: Sendable {
    public enum End: Sendable {
        /// COMMIT was sent, or something failed that no row is to blame for: ``commit`` says what came back.
        case answered
        /// Nothing was taken for long, all for the same reason, so it is not the rows. Nothing of this is stored.
        case tableRefused(table: Int, PostgresError)
        /// More letters or more time than one transaction may take: cut the batch and try its pieces. Nothing is
        /// stored.
        case tooMuch
    }

    public struct Table: Equatable, Sendable {
        /// Rows that the table has because of this unit.
        public var stored = 0
        /// Rows that a natural key, or a later version, kept out.
        public var duplicates = 0
        public var refused = 0
        /// A row of the same key was met, so that the rest went through the staging table.
        public var wentToStaging = false
    }

    public internal(set) var end = End.answered
    public internal(set) var commit: CommitReport
    public internal(set) var tables: [Table]
}

/// Bounds of a transaction that isolates rows.
public struct IsolationLimits: Sendable {
    /// Rows between two savepoints: what is sent again when one of them is refused.
    public var segmentRows = 1_000
    /// After so many rows refused alike and none taken, ``samples`` of the rest are tried: when none of them is taken
    /// either, the table refuses everything.
    public var wholesaleRefusals = 20
    public var samples = 10
    /// The same for errors that are doubtful from the start.
    public var doubtfulRefusals = 3
    /// The transaction ends before that, so that nobody takes its session for hung.
    public var duration = Duration.seconds(4)

    public init() {}

    /// For rows whose table is known to take others: however many it refuses, each is a letter.
    public static var ofWorkingTable: IsolationLimits {
        var limits = IsolationLimits()
        limits.wholesaleRefusals = .max
        limits.doubtfulRefusals = .max
        return limits
    }
}

/// Why a transaction that isolates rows does not get to its COMMIT.
enum IsolationStop: Error {
    case failed(PostgresError, table: Int?)
    case tableRefused(Int, PostgresError)
    case tooMuch
}

extension PostgresError {
    /// COPY stored fewer rows than it was given, without an error: a trigger returned NULL.
    static let suppressedRow = PostgresError(.unexpectedResult, message: "a trigger takes rows away")

    /// Whether a trigger took a row away without an error.
    public var isSuppressedRow: Bool { self == .suppressedRow }
}
