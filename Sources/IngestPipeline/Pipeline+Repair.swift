import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import RecordCodec
import Records

/// Working off a batch whose commit did not go through, with both connections well: one try after the other, each
/// awaited.
extension Pipeline {
    /// Tries of a batch that meets deadlocks, serialization failures and their like, before it counts as an outage.
    static let retryLimit = 20

    /// Repeats the batch until every entry of it is stored, dead-lettered, or left pending to somebody else.
    func workOff(_ failed: SentBatch, _ answer: CommitAnswer) throws(LaneFailure) {
        var todo = try nextTries(failed, answer)
        while let planned = todo.popLast() {
            switch try encode(planned) {
            case .full(let encoded):
                let sent = try begin(encoded)
                let answer = try collect(sent)
                if case .durable(let receipt) = answer.outcome {
                    committed(sent, receipt, answer)
                } else {
                    todo += try nextTries(sent, answer)
                }
            case .tooMuch(let count):
                todo += try halves(planned.batch, behind: count)
            }
        }
    }

    /// What to try next; last first.
    private func nextTries(_ sent: SentBatch, _ answer: CommitAnswer) throws(LaneFailure) -> [PlannedBatch] {
        switch answer.outcome {
        case .durable: return []
        case .conflict: return try afterConflict(sent.planned)
        case .unknown(let doubt): throw .inDoubt(doubt)
        case .committedShort: throw .committedShort(table: sent.tableNames.joined(separator: ", "))
        case .failed(let failure): return try afterFailure(sent, failure, answer)
        }
    }

    /// SL001: another lane has committed some of it. Look again, keep what is left.
    private func afterConflict(_ planned: PlannedBatch) throws(LaneFailure) -> [PlannedBatch] {
        worker.metrics.fenceConflicts.increment()
        for part in planned.batch.parts { sources.suspect(part.stream, at: worker.now) }
        let window = FencePlanner.probes(for: ledger.deliveries(of: planned.batch.number), isRetry: true)
        let coverage = try onPostgres { session throws(PostgresError) in try session.coverage(of: window) }
        guard let (attempt, step) = ledger.conflicted(planned.batch.number, coverage: coverage) else { return [] }
        switch step {
        case .commit(let plan):
            return [PlannedBatch(batch: planned.batch, attempt: attempt, plan: plan)]
        case .commitUnexplained(let plan):
            worker.log.error("a ledger conflict without a covered entry: committing entry by entry")
            return [PlannedBatch(batch: planned.batch, attempt: attempt, plan: plan)]
        case .acknowledgeCovered:
            acknowledge(ledger.settleCovered(planned.batch.number))
            release(planned.batch)
            return []
        case .leavePending:
            acknowledge(ledger.leave(planned.batch.number))
            release(planned.batch)
            return []
        }
    }

    private func afterFailure(
        _ sent: SentBatch, _ failure: FailureClass, _ answer: CommitAnswer
    ) throws(LaneFailure) -> [PlannedBatch] {
        let error = answer.report.failure ?? PostgresError(.unexpectedResult, message: "rows of a COPY are missing")
        var batch = sent.planned.batch
        if stage(sent, answer) { return try again(batch) }
        switch failure {
        case .conflict:
            return try afterConflict(sent.planned)
        case .retry(let retry) where batch.retries < min(retry.limit, Self.retryLimit):
            batch.retries += 1
            worker.stop.pause(.milliseconds(Int.random(in: 1...20)))
            return try again(batch)
        case .isolate:
            worker.metrics.postgresFailed("row")
            return try isolate(sent, error, answer.report.failedTable)
        case .pause, .retry, .stop:
            throw .postgres(error, failure)
        }
    }

    /// The same batch once more, planned anew.
    func again(_ batch: Batch) throws(LaneFailure) -> [PlannedBatch] {
        guard let planned = try plan(batch) else { return [] }
        return [planned]
    }

    // MARK: Rows the database refuses

    /// Finds the row to blame and makes it a dead letter: by the line that COPY names, else by halving. A line cuts the
    /// batch behind the bad row, so every good row is sent at most twice, however many bad ones there are.
    private func isolate(
        _ sent: SentBatch, _ error: PostgresError, _ failedTable: Int?
    ) throws(LaneFailure) -> [PlannedBatch] {
        var batch = sent.planned.batch
        // The lane's buffers hold the next batch by now: encode again to see which row is which.
        let survivors = survivors(of: sent.planned)
        guard case .full(let encoded) = try encode(sent.planned), !survivors.isEmpty else { return try again(batch) }
        if let blamed = blamedEntry(encoded, error, failedTable) ?? (survivors.count == 1 ? survivors.first : nil) {
            // The server may name a chunk of the table, so that it is asked last.
            let table = blamed.table ?? (encoded.loads.count == 1 ? encoded.loads.first?.table.rows.table : error.table)
            batch.refused[blamed.index] = Refusal(error, table: table)
            return try halves(batch, behind: blamed.position + 1)
        }
        let middle = survivors[survivors.count / 2].position
        return try halves(batch, behind: middle)
    }

    /// An entry of a batch: its place among the batch's entries, and its index in the block.
    struct Blamed {
        let position: Int
        let index: Int
        var table: String?
    }

    private func blamedEntry(_ encoded: EncodedBatch, _ error: PostgresError, _ failedTable: Int?) -> Blamed? {
        guard let location = error.copyLocation, let failedTable, failedTable < encoded.loads.count else { return nil }
        let rows = encoded.loads[failedTable].table.rows
        guard location.line >= 1, location.line <= rows.rowCount else { return nil }
        let index = rows.rows[location.line - 1].entry
        guard let position = position(of: index, in: encoded.planned.batch) else { return nil }
        return Blamed(position: position, index: index, table: rows.table)
    }

    private func position(of index: Int, in batch: Batch) -> Int? {
        var position = 0
        for (part, delivery) in zip(batch.parts, ledger.deliveries(of: batch.number)) {
            for entry in delivery.ids.indices where part.places.index(entry) == index { return position + entry }
            position += delivery.ids.count
        }
        return nil
    }

    private func survivors(of planned: PlannedBatch) -> [Blamed] {
        var result: [Blamed] = []
        var position = 0
        for (index, part) in planned.batch.parts.enumerated() {
            for stretch in planned.plan.parts[index].survivors {
                for entry in stretch {
                    guard let place = part.places.index(entry), planned.batch.refused[place] == nil else { continue }
                    result.append(Blamed(position: position + entry, index: place))
                }
            }
            position += ledger.deliveries(of: planned.batch.number)[index].ids.count
        }
        return result
    }

    /// Cuts a batch and plans what comes of it; the second half comes first, because tries are taken from the end.
    private func halves(_ batch: Batch, behind count: Int) throws(LaneFailure) -> [PlannedBatch] {
        var planned: [PlannedBatch] = []
        for half in cut(batch, behind: count).reversed() { planned += try again(half) }
        return planned
    }
}
