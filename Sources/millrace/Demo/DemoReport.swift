/// What the demo found: figures, and whether they are right.
struct DemoReport {
    struct Target: Encodable {
        var name: String
        /// Published, garbage not included.
        var entries: Int
        var rows: Int
        /// Rows that the entries must become, counted while they were published.
        var expected: Int
    }

    /// The database's own books.
    struct Ledger: Encodable {
        /// Entries that are recorded as disposed of.
        var entries: Int
        /// Rows written, later versions of the same row included.
        var written: Int
        /// Entries whose row was there already.
        var duplicates: Int
        var letters: Int
        var batches: Int
    }

    /// Milliseconds from XADD to COMMIT at a rate that leaves the workers time.
    struct Steady: Encodable {
        var rate: Int
        var entries: Int
        var p50: Double
        var p99: Double
    }

    struct Speed: Encodable {
        var entries: Int
        var seconds: Double

        var perSecond: Int { seconds > 0 ? Int(Double(entries) / seconds) : 0 }
    }

    var source: String
    /// What the database offers.
    var tier: String
    var tables: [Target]
    var ledger: Ledger
    /// Letters that must be there, by cause.
    var garbage: [String: Int]
    var deadLetters: [String: Int]
    var pending: Int
    var steady: Steady
    var speed: Speed
    var elapsed: Duration

    var published: Int { tables.reduce(0) { $0 + $1.entries } + garbage.values.reduce(0, +) }
    var letterCount: Int { deadLetters.values.reduce(0, +) }

    /// Entries without a trace: rows that should be there, or entries that the ledger does not know.
    var lost: Int {
        max(tables.reduce(0) { $0 + max(0, $1.expected - $1.rows) }, max(0, published - ledger.entries))
    }

    /// Rows that should not be there, or entries recorded more than once.
    var twice: Int {
        max(tables.reduce(0) { $0 + max(0, $1.rows - $1.expected) }, max(0, ledger.entries - published))
    }

    /// Everything that was published is a row, was one already, or is a dead letter.
    var isBalanced: Bool { ledger.written + ledger.duplicates + ledger.letters == ledger.entries }

    var isRight: Bool {
        lost == 0 && twice == 0 && pending == 0 && isBalanced && deadLetters == garbage && speed.perSecond > 0
    }
}
