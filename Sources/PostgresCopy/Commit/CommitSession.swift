public import PostgresWire
import Waitpoints

/// Commits units over one connection, in two phases: ``begin(_:deadline:)`` sends everything and does not wait for
/// COMMIT, ``collect(deadline:)`` waits for it. In between the thread may do other work.
///
/// After a failure the transaction has been rolled back and the connection can be used again, or it is lost; the
/// report says which. Used from one thread at a time, as its connection.
public final class CommitSession {
    /// Limits of the transaction, set with `SET LOCAL`.
    public struct Limits: Sendable {
        public var lockTimeout: Duration = .seconds(2)
        public var statementTimeout: Duration = .seconds(8)
        public var idleInTransactionTimeout: Duration = .seconds(10)
        public var stageLifetime = StageLifetime.session

        public init() {}

        var settings: [String] {
            // Asynchronous commit would acknowledge what a crash can still take back.
            [
                "synchronous_commit = on", "lock_timeout = \(Self.milliseconds(lockTimeout))",
                "statement_timeout = \(Self.milliseconds(statementTimeout))",
                "idle_in_transaction_session_timeout = \(Self.milliseconds(idleInTransactionTimeout))",
            ]
        }

        private static func milliseconds(_ duration: Duration) -> Int64 {
            duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
        }
    }

    public let connection: PostgresConnection
    private let limits: Limits
    private var stages: Set<String> = []
    private var run: Run?

    /// A unit on its way.
    private struct Run {
        let unit: CommitUnit
        let script: CommitScript
        var message = 0
        var state: CopyState
        var report: CommitReport
    }

    public init(_ connection: PostgresConnection, limits: Limits = Limits()) {
        self.connection = connection
        self.limits = limits
    }

    /// With staging tables that fit: a session's own, or, behind a transaction pooler, a transaction's.
    public convenience init(
        adaptingTo connection: PostgresConnection, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        var limits = Limits()
        if try connection.isPooled(deadline: deadline) { limits.stageLifetime = .transaction }
        self.init(connection, limits: limits)
    }

    /// Whether a unit was begun and not yet collected.
    public var isPending: Bool { run != nil }

    /// Sends a unit: the query string and all rows. Waits only for the server to ask for the rows.
    ///
    /// Failures show in the report of ``collect(deadline:)``. The unit's data are not needed any more afterwards.
    /// - Precondition: no unit is pending.
    public func begin(_ unit: CommitUnit, deadline: PostgresConnection.Deadline) {
        precondition(run == nil, "collect the unit before the next one begins")
        let known = limits.stageLifetime == .session ? stages : []
        _ = connection.takeNotices()
        start(
            unit, CommitScript(unit, known: known, settings: limits.settings, stageLifetime: limits.stageLifetime),
            deadline: deadline)
    }

    private func start(_ unit: CommitUnit, _ script: CommitScript, deadline: PostgresConnection.Deadline) {
        var new = Run(
            unit: unit, script: script, state: CopyState(script.messages[0].steps), report: CommitReport(unit, script))
        do throws(PostgresError) {
            if let problem = Self.letterProblem(unit) { throw problem }
            try send(&new, deadline: deadline)
            while !new.state.isAllSent { try step(&new, deadline: deadline) }
        } catch {
            fail(&new, error, deadline: deadline)
        }
        run = new
    }

    /// Waits for the outcome of the unit begun last.
    /// - Precondition: a unit is pending.
    public func collect(deadline: PostgresConnection.Deadline) -> CommitReport {
        guard var current = run else { preconditionFailure("no unit was begun") }
        run = nil
        if current.report.failure == nil {
            do throws(PostgresError) {
                try finish(&current, deadline: deadline)
            } catch {
                fail(&current, error, deadline: deadline)
            }
        }
        return complete(current, deadline: deadline)
    }

    /// Both phases.
    public func commit(_ unit: CommitUnit, deadline: PostgresConnection.Deadline) -> CommitReport {
        begin(unit, deadline: deadline)
        return collect(deadline: deadline)
    }

    // MARK: For transactions that were begun step by step

    var settings: [String] { limits.settings }
    var stageLifetime: StageLifetime { limits.stageLifetime }

    /// Whether the session has this staging table from an earlier transaction.
    func hasStage(_ name: String) -> Bool { limits.stageLifetime == .session && stages.contains(name) }

    /// Ends an open transaction with a script that begins none.
    func carryOut(
        _ unit: CommitUnit, _ script: CommitScript, newStages: Set<String>, deadline: PostgresConnection.Deadline
    ) -> CommitReport {
        Waitpoint.beforeFence.reach()
        start(unit, script, deadline: deadline)
        let report = collect(deadline: deadline)
        if report.isDurable, limits.stageLifetime == .session { stages.formUnion(newStages) }
        return report
    }

    /// Ends whatever is open; a session that cannot even do that is closed.
    func rollBack(deadline: PostgresConnection.Deadline) {
        do throws(PostgresError) {
            try connection.reset(deadline: deadline)
        } catch {
            // The first failure says why; this one only that the session is gone.
            connection.close()
        }
    }

    // MARK: Steps

    private func send(_ run: inout Run, deadline: PostgresConnection.Deadline) throws(PostgresError) {
        if run.state.isAllSent, isLastMessage(run) { run.report.mayHaveCommitted = true }
        try connection.send(run.script.messages[run.message].sql, deadline: deadline)
    }

    private func isLastMessage(_ run: Run) -> Bool { run.message == run.script.messages.count - 1 }

    /// Takes one result. Returns whether the message is done.
    @discardableResult
    private func step(_ run: inout Run, deadline: PostgresConnection.Deadline) throws(PostgresError) -> Bool {
        let awaited = run.state.current
        defer { noteWarnings(&run.report, during: awaited) }
        switch run.state.received(try nextEvent(deadline: deadline)) {
        case .goOn: return false
        case .finish: return true
        case .send(let index):
            try sendRows(index, &run, deadline: deadline)
            return false
        case .violation(let what):
            connection.close()
            throw PostgresError(.unexpectedResult, message: what, isConnectionLost: true)
        }
    }

    private func nextEvent(deadline: PostgresConnection.Deadline) throws(PostgresError) -> CopyState.Event {
        switch try connection.next(deadline: deadline) {
        case .command(let tag): return .command(tag: tag)
        case .copyIn: return .copyIn
        case .end: return .end
        case .rows(let rows):
            let number = try rows.first.flatMap { row throws(PostgresError) in
                try rows.columns.first.flatMap { name throws(PostgresError) in try row.text(name) }
            }
            return .rows(count: rows.count, number: number.flatMap { Int($0) })
        }
    }

    private func sendRows(
        _ index: Int, _ run: inout Run, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        let began = ContinuousClock.now
        try run.script.data[index].source.withPieces { bytes throws(PostgresError) in
            try connection.putCopyData(bytes, deadline: deadline)
            Waitpoint.midCopy.reach()
        }
        // From here on the server may have all it needs, whatever becomes of this call.
        if run.state.isAllSent, isLastMessage(run) { run.report.mayHaveCommitted = true }
        try connection.endCopy(deadline: deadline)
        if index < run.report.tables.count {
            run.report.tables[index].copySeconds = (ContinuousClock.now - began) / .seconds(1)
        }
        if run.state.isAllSent { Waitpoint.afterCopy.reach() }
    }

    private func finish(_ run: inout Run, deadline: PostgresConnection.Deadline) throws(PostgresError) {
        while true {
            while try !step(&run, deadline: deadline) {}
            run.report.take(run.state)
            if isLastMessage(run) { return }
            guard run.report.countsAgree else { return }
            run.message += 1
            run.state = CopyState(run.script.messages[run.message].steps)
            try send(&run, deadline: deadline)
        }
    }

    // MARK: Ends

    private func fail(_ run: inout Run, _ error: PostgresError, deadline: PostgresConnection.Deadline) {
        run.report.take(run.state)
        run.report.failure = error
        switch run.state.current {
        case .copy(let index), .written(let index): run.report.failedTable = index < run.unit.rows.count ? index : nil
        case .command, .rows, .insert, .statement, .commit, nil: break
        }
        if let index = run.report.failedTable, !run.unit.rows[index].isStaged,
            run.unit.rows[index].target.mayHaveRow(error)
        {
            run.report.duplicateKeyTable = index
        }
        if error.isConnectionLost { connection.close() }
    }

    private func complete(_ run: Run, deadline: PostgresConnection.Deadline) -> CommitReport {
        var report = run.report
        report.isIdle = connection.transactionStatus == .idle
        if connection.isOpen, !report.isIdle { rollBack(deadline: deadline) }
        report.isConnectionLost = !connection.isOpen
        if report.isDurable, limits.stageLifetime == .session { stages.formUnion(run.script.newStages) }
        return report
    }

    private func noteWarnings(_ report: inout CommitReport, during step: CopyState.Step?) {
        let warnings = connection.takeNotices().filter(\.isWarning)
        report.warnings += warnings
        if !(step?.toleratesWarnings ?? false) { report.doubtfulWarnings += warnings.count }
    }

    private static func letterProblem(_ unit: CommitUnit) -> PostgresError? {
        let bytes = unit.letters.reduce(0) { $0 + $1.inlineBytes }
        guard unit.letters.count > CommitUnit.letterLimit || bytes > CommitUnit.letterBytesLimit else { return nil }
        return PostgresError(.configuration, message: "a unit holds too many, or too large, dead letters")
    }
}

extension CommitReport {
    init(_ unit: CommitUnit, _ script: CommitScript) {
        tables = unit.rows.map { Table(name: $0.target.table, expected: $0.count) }
        if script.data.count > unit.rows.count { expectedParts = script.data[unit.rows.count].count }
    }

    /// Adds what the results of one message said.
    mutating func take(_ state: CopyState) {
        for (index, count) in state.copied {
            if index < tables.count { tables[index].copied = count } else { copiedParts = count }
        }
        for (index, count) in state.written where index < tables.count { tables[index].written = count }
        if let tag = state.finalTag { finalTag = tag }
        if state.wrongStatement != nil { hasWrongStatement = true }
    }
}
