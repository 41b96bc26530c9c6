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
        try workOff(nextTries(failed, answer))
    }

    /// Works off a batch of which the database will refuse rows.
    func workOff(isolating encoded: EncodedBatch) throws(LaneFailure) {
        try workOff(isolate(encoded))
    }

    private func workOff(_ tries: [Try]) throws(LaneFailure) {
        var todo = tries
        while let next = todo.popLast() {
            // A batch that is tried piece by piece takes its time: the lane is at work, and does not hang.
            worker.status.update(number) { $0.lastTurn = .now }
            guard !isHeld(next.planned.batch) else {
                park(next.planned.batch)
                continue
            }
            switch try encode(next.planned) {
            case .full(let encoded) where next.isolates: todo += try isolate(encoded)
            case .full(let encoded): todo += try commit(encoded)
            case .tooMuch(let count): todo += try halves(next.planned.batch, behind: count, isolates: next.isolates)
            }
        }
    }

    /// One more try of a batch.
    struct Try {
        var planned: PlannedBatch
        /// Piece by piece, leaving out what the database refuses.
        var isolates = false
    }

    private func commit(_ encoded: EncodedBatch) throws(LaneFailure) -> [Try] {
        let sent = try begin(encoded)
        let answer = try collect(sent)
        guard case .durable(let receipt) = answer.outcome else { return try nextTries(sent, answer) }
        committed(sent, receipt, answer.report.counts)
        return []
    }

    /// What to try next; last first.
    func nextTries(_ sent: SentBatch, _ answer: CommitAnswer) throws(LaneFailure) -> [Try] {
        switch answer.outcome {
        case .durable: return []
        case .conflict: return try afterConflict(sent.planned)
        case .unknown(let doubt): throw .inDoubt(doubt)
        case .committedShort: throw .committedShort(table: sent.tableNames.joined(separator: ", "))
        case .failed(let failure): return try afterFailure(sent, failure, answer)
        }
    }

    /// SL001: another lane has committed some of it. Look again, keep what is left.
    private func afterConflict(_ planned: PlannedBatch) throws(LaneFailure) -> [Try] {
        worker.metrics.fenceConflicts.increment()
        try confirmSources(of: planned.batch)
        for part in planned.batch.parts { sources.suspect(part.stream, at: worker.now) }
        let window = FencePlanner.probes(for: ledger.deliveries(of: planned.batch.number), isRetry: true)
        let coverage = try onPostgres { session throws(PostgresError) in try session.coverage(of: window) }
        try confirmCommits()
        guard let (attempt, step) = ledger.conflicted(planned.batch.number, coverage: coverage) else { return [] }
        switch step {
        case .commit(let plan):
            return [Try(planned: PlannedBatch(batch: planned.batch, attempt: attempt, plan: plan))]
        case .commitUnexplained(let plan):
            worker.log.error("a ledger conflict without a covered entry: committing entry by entry")
            return [Try(planned: PlannedBatch(batch: planned.batch, attempt: attempt, plan: plan))]
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
    ) throws(LaneFailure) -> [Try] {
        let error = answer.report.failure ?? PostgresError(.unexpectedResult, message: "rows of a COPY are missing")
        var batch = sent.planned.batch
        if stage(sent, answer) { return try again(batch) }
        if let tries = try adoptChange(sent, error) { return tries }
        if hold(sent, failure, error, answer.report.failedTable) { return [] }
        switch failure {
        case .conflict:
            return try afterConflict(sent.planned)
        case .retry(let retry) where retry.halves && survivors(of: sent.planned).count > 1:
            worker.metrics.postgresFailed("size")
            return try halve(sent.planned)
        case .retry(let retry) where batch.retries < min(retry.limit, Self.retryLimit):
            batch.retries += 1
            worker.stop.pause(.milliseconds(Int.random(in: 1...20)))
            return try again(batch)
        case .isolate(let isolation) where isolation.cutsBatch:
            return try shrink(sent.planned, error, isolation)
        case .isolate:
            worker.metrics.postgresFailed("row")
            if sent.wasIsolated, answer.report.failedTable == nil { return try halve(sent, error) }
            if error.isMissingPartition, !batch.hasAskedForChunks {
                batch.hasAskedForChunks = true
                if try makeChunks(for: sent, answer.report.failedTable) { return try again(batch) }
            }
            return try again(batch, isolates: true)
        case .pause, .retry, .stop:
            throw .postgres(error, failure)
        }
    }

    /// The same batch once more, planned anew.
    func again(_ batch: Batch, isolates: Bool = false) throws(LaneFailure) -> [Try] {
        guard let planned = try plan(batch) else { return [] }
        return [Try(planned: planned, isolates: isolates)]
    }

    /// Cuts a batch and plans what comes of it; the second half comes first, because tries are taken from the end.
    func halves(_ batch: Batch, behind count: Int, isolates: Bool = false) throws(LaneFailure) -> [Try] {
        var tries: [Try] = []
        for half in cut(batch, behind: count).reversed() { tries += try again(half, isolates: isolates) }
        return tries
    }

    // MARK: Too much for one transaction

    /// Two transactions instead of one, each with half of what is to be stored.
    private func halve(_ planned: PlannedBatch) throws(LaneFailure) -> [Try] {
        let survivors = survivors(of: planned)
        return try halves(planned.batch, behind: survivors[survivors.count / 2].position)
    }

    /// The transaction wants more of something than the server has: halves it down to one entry, which becomes a letter
    /// to be tried later when it is too much alone.
    private func shrink(
        _ planned: PlannedBatch, _ error: PostgresError, _ isolation: FailureClass.Isolation
    ) throws(LaneFailure) -> [Try] {
        var batch = planned.batch
        worker.metrics.postgresFailed("size")
        // Pauses are none when the worker is to stop, and rows that would only have to wait became letters.
        guard !worker.stop.isRequested || !isolation.pausesFirst else { throw .postgres(error, .unforeseen) }
        if isolation.pausesFirst, batch.retries == 0 {
            // The server may be short of it for everybody.
            batch.retries = 1
            worker.stop.pause(.milliseconds(Int.random(in: 250...750)))
            return try again(batch)
        }
        let survivors = survivors(of: planned)
        guard survivors.count <= 1 else { return try halve(planned) }
        // Without any row it is still too much: the server is short of it for everybody.
        guard let last = survivors.first else { throw .postgres(error, .unforeseen) }
        batch.retries += 1
        if isolation.pausesFirst { worker.stop.pause(.milliseconds(Int.random(in: 250...750))) }
        if batch.retries > isolation.loneFailures { batch.refused[last.index] = Refusal(error, table: nil) }
        return try again(batch)
    }

    /// Entries that the plan disposes of and that are not refused yet: their places in the batch and in the block.
    func survivors(of planned: PlannedBatch) -> [(position: Int, index: Int)] {
        var result: [(position: Int, index: Int)] = []
        var position = 0
        for (index, part) in planned.batch.parts.enumerated() {
            for stretch in planned.plan.parts[index].survivors {
                for entry in stretch {
                    guard let place = part.places.index(entry), planned.batch.refused[place] == nil else { continue }
                    result.append((position + entry, place))
                }
            }
            position += ledger.deliveries(of: planned.batch.number)[index].ids.count
        }
        return result
    }
}
