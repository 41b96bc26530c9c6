import IngestCore
import PostgresCopy
import PostgresWire
import Records

/// A lane's connection to PostgreSQL and what it is used for. Every call has a deadline.
final class PostgresSession {
    /// Longer than the server's own `statement_timeout`, so that the server's word comes first.
    static let patience = TimeTable.statementTimeout + .seconds(7)

    let connection: PostgresConnection
    let ledger: LedgerStore
    private let commits: CommitSession

    init(connecting worker: WorkerContext, name: String) throws(PostgresError) {
        connection = try PostgresConnection.connect(
            to: worker.settings.postgres, applicationName: "millrace/\(worker.identity)/\(name)",
            deadline: .now + .seconds(5))
        ledger = LedgerStore(connection)
        commits = CommitSession(connection)
    }

    var deadline: ContinuousClock.Instant { .now + Self.patience }

    func begin(_ unit: CommitUnit) {
        commits.begin(unit, deadline: deadline)
    }

    /// The answer to the unit begun last, judged.
    func collect(_ attempt: CommitAttempt) -> CommitAnswer {
        let report = commits.collect(deadline: deadline)
        return CommitAnswer(outcome: CommitOutcome(CommitObservation(report), of: attempt), report: report)
    }
}

/// What PostgreSQL answered to a transaction.
struct CommitAnswer {
    let outcome: CommitOutcome
    let report: CommitReport
}

extension CommitObservation {
    init(_ report: CommitReport) {
        let hasParts = report.expectedParts > 0
        self.init(expectedRows: report.tables.map(\.expected) + (hasParts ? [report.expectedParts] : []))
        copiedRows = report.tables.compactMap(\.copied) + (hasParts ? [report.copiedParts].compactMap(\.self) : [])
        finalTag = report.finalTag
        warnings = report.doubtfulWarnings
        isIdle = report.isIdle
        failure = report.failure.map { .init(sqlState: $0.sqlState?.code, namesLine: $0.copyLocation != nil) }
        isConnectionLost = report.isConnectionLost
        mayHaveCommitted = report.mayHaveCommitted
    }
}
