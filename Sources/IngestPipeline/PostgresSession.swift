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
    let suspects: SuspectStore
    private let commits: CommitSession

    init(connecting worker: WorkerContext, name: String) throws(PostgresError) {
        connection = try PostgresConnection.connect(
            to: worker.settings.postgres, applicationName: "millrace/\(worker.identity)/\(name)",
            deadline: .now + .seconds(5))
        ledger = LedgerStore(connection)
        suspects = SuspectStore(connection)
        commits = try CommitSession(adaptingTo: connection, deadline: .now + Self.patience)
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

extension PostgresSession {
    /// Commits piece by piece, leaving out what the database refuses.
    /// - Parameter mayMakeChunks: a missing partition is no row's fault before it was asked for.
    func isolate(
        _ unit: CommitUnit, rows: [IsolatedRows], limits: IsolationLimits, mayMakeChunks: Bool,
        letter: (RefusedRow) -> DeadLetter?
    ) -> IsolationReport {
        commits.commitIsolating(
            unit, rows: rows, limits: limits, deadline: deadline,
            judge: { mayMakeChunks && $0.isMissingPartition ? .abort : Self.judge($0) }, letter: letter)
    }

    /// Tries a unit that is a rehearsal.
    func rehearse(_ unit: CommitUnit) -> CommitReport {
        commits.commit(unit, deadline: deadline)
    }

    private static func judge(_ error: PostgresError) -> RefusalVerdict {
        // Rows that a trigger took away make no error, only a count.
        if error.isSuppressedRow { return .row(confirmations: 1) }
        guard case .isolate(let isolation) = FailureClass(error), !isolation.cutsBatch else { return .abort }
        return .row(
            confirmations: isolation.loneFailures, isDoubtful: isolation.stopsWhenAllFailAlike,
            trustsLine: isolation.trustsLine)
    }

    /// What the ledger says about these windows, in a snapshot of its own.
    func coverage(of probes: [FenceProbe]) throws(PostgresError) -> Coverage {
        Coverage(try ledger.coverage(of: probes.map { ($0.source, $0.ids) }, deadline: deadline))
    }

    /// Whether this database is the one, at least as new as the acknowledgements, that Redis was told about. Notes the
    /// server when nothing was noted yet.
    func checkDestination(_ acknowledged: [SourceNumber: StreamID]) throws(PostgresError) -> DestinationCheck {
        let store = DestinationStore(connection)
        let found = try store.current(deadline: deadline)
        let check = try DestinationCheck(acknowledged, of: connection, found: found, deadline: deadline)
        if check == .unknown { try store.note(found, deadline: deadline) }
        return check
    }

    /// Whether what the ledger says now is durable wherever it has to be.
    func confirmCommits() throws(PostgresError) -> Bool {
        try DestinationStore(connection).confirmCommits(deadline: deadline)
    }

    /// Notes this server as the one that holds everything acknowledged so far.
    func noteDestination() throws(PostgresError) {
        let store = DestinationStore(connection)
        try store.note(try store.current(deadline: deadline), deadline: deadline)
    }
}

extension DestinationCheck.Identity {
    /// `nil` where the server does not say which it is.
    init?(_ identity: ServerIdentity) {
        guard let system = identity.systemIdentifier, let timeline = identity.timeline else { return nil }
        self.init(system: system, timeline: timeline)
    }
}

extension FailureClass {
    init(_ error: PostgresError) {
        self.init(
            sqlState: error.sqlState?.code, isConnectionLost: error.isConnectionLost,
            namesLine: error.copyLocation != nil)
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
