/// What became of one commit unit. "Unknown" is an outcome of its own, not a kind of failure.
public enum CommitOutcome: Equatable, Sendable {
    /// Rows, dead letters and ledger are durable.
    case durable(CommitReceipt)
    /// SL001: some of it is committed already. Roll back, probe, plan again.
    case conflict
    /// It may be committed, rolled back, or still running. Commit the same batch again: the fence waits for the other
    /// transaction and then tells the truth. Until then nothing is acknowledged, dead-lettered or split.
    case unknown(Doubt)
    /// Surely rolled back, or never begun.
    case failed(FailureClass)
    /// Committed, but PostgreSQL stored other numbers of rows than it was given (a trigger returned NULL). The ledger
    /// says "done" and rows are missing, so retrying cannot help: stop and raise the alarm, acknowledge nothing.
    /// A table with row triggers must get its COMMIT in a message of its own, sent after the counts were checked.
    case committedShort

    public enum Doubt: Equatable, Sendable {
        /// The connection was lost after COMMIT may have reached the server.
        case connectionLost
        /// A WARNING came (01000: the wait for the standby was cancelled): committed here, perhaps nowhere else.
        case warned
        /// COMMIT or its absence cannot be told from what came back.
        case unclear
    }

    /// Judges what came back for an attempt. Total: whatever was seen has an outcome, and only a flawless answer is
    /// durable.
    public init(_ seen: CommitObservation, of attempt: CommitAttempt) {
        if seen.isConnectionLost {
            if seen.mayHaveCommitted {
                self = .unknown(.connectionLost)
            } else {
                self = .failed(FailureClass(sqlState: seen.failure?.sqlState, isConnectionLost: true))
            }
        } else if let failure = seen.failure {
            self = Self.judge(failure)
        } else {
            self = Self.judge(tag: seen, of: attempt)
        }
    }

    private static func judge(_ failure: CommitObservation.Failure) -> CommitOutcome {
        let judged = FailureClass(
            sqlState: failure.sqlState, isConnectionLost: false, namesLine: failure.namesLine)
        return judged == .conflict ? .conflict : .failed(judged)
    }

    private static func judge(tag seen: CommitObservation, of attempt: CommitAttempt) -> CommitOutcome {
        let countsAgree = seen.copiedRows == seen.expectedRows
        guard seen.finalTag == "COMMIT" else {
            if seen.finalTag == "ROLLBACK" { return .failed(countsAgree ? .rolledBack : .copyCountMismatch) }
            if !seen.mayHaveCommitted, !countsAgree { return .failed(.copyCountMismatch) }
            return seen.mayHaveCommitted ? .unknown(.unclear) : .failed(.rolledBack)
        }
        guard countsAgree else { return .committedShort }
        guard seen.warnings == 0 else { return .unknown(.warned) }
        guard seen.isIdle else { return .unknown(.unclear) }
        return .durable(CommitReceipt(attempt: attempt))
    }
}
