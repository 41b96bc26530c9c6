public import PostgresWire

extension CommitSession {
    /// Commits a unit step by step, leaving out the rows that the database refuses: one transaction, one fence.
    ///
    /// Rows go in segments, each behind a savepoint. A row that COPY names by its line is left out, those before it are
    /// sent again and those behind it go on; without a line a segment is halved until one row is left. So a good row is
    /// sent about twice at most, wherever the bad ones are. Every row left out becomes the letter that `letter` makes
    /// of it, in the same transaction. The session can be used again afterwards, or it is lost, as the report says.
    /// - Parameters:
    ///   - unit: ranges, letters and lineage; its rows must be empty.
    ///   - judge: whether an error is a row's.
    ///   - letter: makes the dead letter of a refused row; `nil` when no more fit.
    public func commitIsolating(
        _ unit: CommitUnit, rows: [IsolatedRows], limits: IsolationLimits = IsolationLimits(),
        deadline: PostgresConnection.Deadline, judge: (PostgresError) -> RefusalVerdict,
        letter: (RefusedRow) -> DeadLetter?
    ) -> IsolationReport {
        precondition(!isPending && unit.rows.isEmpty, "the rows are given apart")
        var report = IsolationReport(commit: CommitReport(), tables: rows.map { _ in .init() })
        var unit = unit
        var stages: Set<String> = []
        let latest = PostgresConnection.Deadline.now + limits.duration
        _ = connection.takeNotices()
        do throws(IsolationStop) {
            try execute(CommitScript.opening(settings), deadline: deadline)
            for index in rows.indices {
                report.tables[index] = try write(
                    rows[index], limits, &stages, deadline: deadline
                ) { failure, writer throws(IsolationStop) in
                    guard case .row(let confirmations, let isDoubtful, let trustsLine) = judge(failure.error) else {
                        throw .failed(failure.error, table: index)
                    }
                    let named = trustsLine ? failure.namedRow : nil
                    if let row = writer.isolate(failure, named: named, confirmations: confirmations) {
                        let refused = RefusedRow(table: index, row: row, error: failure.error)
                        guard let letter = letter(refused) else { throw .tooMuch }
                        unit.letters.append(letter)
                        if try refusesEverything(&writer, limits, isDoubtful) {
                            throw .tableRefused(index, failure.error)
                        }
                    }
                    guard PostgresConnection.Deadline.now < latest else { throw .tooMuch }
                }
            }
            unit.lineage?.count(rows.map(\.target.table), report.tables)
            let script = CommitScript(ending: unit, of: rows.map(\.target))
            report.commit = carryOut(unit, script, newStages: stages, deadline: deadline)
        } catch {
            end(&report, error, deadline: deadline)
        }
        return report
    }

    /// Writes one table; `failed` narrows every segment down that was rolled back.
    private func write(
        _ rows: IsolatedRows, _ limits: IsolationLimits, _ stages: inout Set<String>,
        deadline: PostgresConnection.Deadline,
        failed: (SegmentWriter.Failure, inout SegmentWriter) throws(IsolationStop) -> Void
    ) throws(IsolationStop) -> IsolationReport.Table {
        var writer = SegmentWriter(rows, segmentRows: limits.segmentRows, on: connection, deadline: deadline)
        if writer.isStaged { try makeStage(rows.target, &stages, deadline: deadline) }
        while let failure = try next(&writer) {
            if !writer.isStaged, rows.target.mayHaveRow(failure.error) {
                try makeStage(rows.target, &stages, deadline: deadline)
                writer.stage(failure)
            } else {
                try failed(failure, &writer)
            }
        }
        return .init(
            stored: writer.stored, duplicates: writer.duplicates, refused: writer.refused,
            wentToStaging: writer.isStaged && !rows.isStaged)
    }

    private func next(_ writer: inout SegmentWriter) throws(IsolationStop) -> SegmentWriter.Failure? {
        do throws(PostgresError) { return try writer.writeNext() } catch { throw .failed(error, table: nil) }
    }

    private func refusesEverything(
        _ writer: inout SegmentWriter, _ limits: IsolationLimits, _ isDoubtful: Bool
    ) throws(IsolationStop) -> Bool {
        do throws(PostgresError) {
            return try writer.refusesEverything(limits, isDoubtful: isDoubtful)
        } catch {
            throw .failed(error, table: nil)
        }
    }

    private func makeStage(
        _ target: CopyTarget, _ stages: inout Set<String>, deadline: PostgresConnection.Deadline
    ) throws(IsolationStop) {
        guard !hasStage(target.sql.stageName), stages.insert(target.sql.stageName).inserted else { return }
        try execute(target.createStage(stageLifetime), deadline: deadline)
    }

    private func execute(_ sql: String, deadline: PostgresConnection.Deadline) throws(IsolationStop) {
        do throws(PostgresError) {
            try connection.execute(sql, deadline: deadline)
        } catch {
            throw .failed(error, table: nil)
        }
    }

    /// The transaction did not get to its COMMIT: rolls it back.
    private func end(_ report: inout IsolationReport, _ stop: IsolationStop, deadline: PostgresConnection.Deadline) {
        switch stop {
        case .failed(let error, let table):
            report.commit.failure = error
            report.commit.failedTable = table
        case .tableRefused(let table, let error): report.end = .tableRefused(table: table, error)
        case .tooMuch: report.end = .tooMuch
        }
        if connection.isOpen { rollBack(deadline: deadline) }
        report.commit.isIdle = connection.transactionStatus == .idle
        report.commit.isConnectionLost = !connection.isOpen
    }
}
