/// What the wire saw of one commit unit, as it came. ``CommitOutcome`` judges it.
public struct CommitObservation: Equatable, Sendable {
    /// The first error of the unit.
    public struct Failure: Equatable, Sendable {
        /// Five characters, or `nil` when the connection broke without a word.
        public var sqlState: String?
        /// Whether the error's context names a line of a COPY.
        public var namesLine: Bool

        public init(sqlState: String?, namesLine: Bool = false) {
            self.sqlState = sqlState
            self.namesLine = namesLine
        }
    }

    /// Rows put into each COPY, in order.
    public var expectedRows: [Int]
    /// The `n` of each `COPY n` tag that came back, in order.
    public var copiedRows: [Int] = []
    /// The last command tag of the unit, such as `COMMIT`.
    public var finalTag: String?
    /// Messages of severity WARNING between BEGIN and the end of the unit.
    public var warnings = 0
    /// `PQtransactionStatus` is idle after the last result.
    public var isIdle = false
    public var failure: Failure?
    /// `PQstatus` is bad, or a deadline passed: the connection is not used again.
    public var isConnectionLost = false
    /// The server may have seen all it needs to run COMMIT: the end of the last COPY was put (or, without a COPY, the
    /// query was sent). When in doubt, `true`.
    public var mayHaveCommitted = false

    public init(expectedRows: [Int]) {
        self.expectedRows = expectedRows
    }
}
