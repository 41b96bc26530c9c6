import IngestCore
import PostgresCopy
import PostgresWire
import RecordCodec
import Records

/// What becomes of letters whose transaction did not go through.
extension LetterReplay {
    func repair(
        _ range: Range<Int>, _ loads: [EncodedBatch.Load], _ report: CommitReport, _ job: inout ReplayJob
    ) throws(ReplayStop) -> [Range<Int>] {
        guard !report.isConnectionLost else { throw .server(Self.failure(report)) }
        guard let error = report.failure else {
            // A trigger took rows away, which showed before COMMIT was sent.
            guard !report.countsAgree, report.finalTag != "COMMIT" else { throw .server(Self.failure(report)) }
            return try isolate(range, Refusal(Rejection(.refused), detail: "a trigger dropped the row"), nil, &job)
        }
        if error.sqlState == .lettersClosed { return try afterClosed(range, error, &job) }
        if let index = report.duplicateKeyTable, index < loads.count, !loads[index].isStaged,
            case .ignore = loads[index].table.target.policy
        {
            loads[index].encoder.metDuplicate(loads[index].table.rows.table)
            return [range]
        }
        let failure = FailureClass(
            sqlState: error.sqlState?.code, isConnectionLost: false, namesLine: error.copyLocation != nil)
        switch failure {
        case .isolate(let isolation):
            let blamed = isolation.trustsLine ? Self.blamed(error, report.failedTable, loads) : nil
            let table = loads.count == 1 ? loads[0].table.rows.table : blamed?.table
            return try isolate(range, Refusal(error, table: table), blamed?.entry, &job)
        case .retry(let retry) where job.mayRetry(upTo: retry.limit):
            stop.pause(.milliseconds(Int.random(in: 1...20)))
            return retry.halves && range.count > 1
                ? Self.cut(range, behind: range.lowerBound + range.count / 2) : [range]
        case .stop(.schema) where report.isTargetChanged && job.mayRetry(upTo: Pipeline.retryLimit):
            for load in loads { try check(load.table.rows.table) }
            return [range]
        case .retry, .pause, .stop, .conflict:
            let failedTable = report.failedTable.map { loads[$0].table.rows.table }
            guard TableHold(failure, namesTable: failedTable != nil) != nil,
                let table = failedTable ?? loads.first?.table.rows.table
            else { throw .server(.postgres(error, failure)) }
            throw .table(table, reason: "\(error)")
        }
    }

    /// Somebody closed or edited some of them: those are not ours any more.
    private func afterClosed(
        _ range: Range<Int>, _ error: PostgresError, _ job: inout ReplayJob
    ) throws(ReplayStop) -> [Range<Int>] {
        guard let page = job.page else { return [] }
        let open: [OpenLetter]
        do throws(PostgresError) {
            open = try store.reread(
                range.filter { !job.isClosed($0) }.map { page.letters[$0].key },
                deadline: .now + PostgresSession.patience)
        } catch {
            throw .server(LaneFailure(error))
        }
        let edits = Dictionary(open.map { ($0.key, $0.edits) }, uniquingKeysWith: { first, _ in first })
        let gone = range.filter { !job.isClosed($0) && edits[page.letters[$0].key] != page.letters[$0].edits }
        job.close(gone)
        guard !gone.isEmpty || job.mayRetry(upTo: Pipeline.retryLimit) else { throw .server(LaneFailure(error)) }
        return [range]
    }

    /// Blames a row, or looks for it in smaller pieces.
    private func isolate(
        _ range: Range<Int>, _ refusal: Refusal, _ blamed: Int?, _ job: inout ReplayJob
    ) throws(ReplayStop) -> [Range<Int>] {
        let live = range.filter { !job.isSettled($0) }
        if let entry = blamed ?? (live.count == 1 ? live[0] : nil) {
            job.refuse(entry, refusal)
            return Self.pieces(range, refusing: entry)
        }
        guard live.count > 1 else { throw .server(.committedShort(table: refusal.rejection.table ?? "")) }
        return Self.cut(range, behind: live[live.count / 2])
    }

    static func cut(_ range: Range<Int>, behind end: Int) -> [Range<Int>] {
        [end..<range.upperBound, range.lowerBound..<end].filter { !$0.isEmpty }
    }

    /// Most letters in a piece behind a refused one.
    static let pieceLetters = 200

    /// The letters up to a refused one, which are to be tried next, and those behind it in small pieces: where there is
    /// one bad letter there are more, and each is found by trying all behind the one before.
    static func pieces(_ range: Range<Int>, refusing entry: Int) -> [Range<Int>] {
        let rest = stride(from: entry + 1, to: range.upperBound, by: pieceLetters).map { start in
            start..<min(start + pieceLetters, range.upperBound)
        }
        return rest.reversed() + [range.lowerBound..<entry + 1]
    }

    private static func blamed(
        _ error: PostgresError, _ failedTable: Int?, _ loads: [EncodedBatch.Load]
    ) -> (entry: Int, table: String)? {
        guard let line = error.copyLocation?.line, let failedTable, failedTable < loads.count else { return nil }
        let rows = loads[failedTable].table.rows
        return line >= 1 && line <= rows.rowCount ? (rows.rows[line - 1].entry, rows.table) : nil
    }

    static func failure(_ report: CommitReport) -> LaneFailure {
        if report.isConnectionLost, report.mayHaveCommitted { return .inDoubt(.connectionLost) }
        if let error = report.failure { return LaneFailure(error) }
        if report.finalTag == "COMMIT" {
            return report.countsAgree ? .inDoubt(.warned) : .committedShort(table: report.tables.first?.name.name ?? "")
        }
        return .inDoubt(.unclear)
    }
}
