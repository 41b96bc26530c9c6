import CoreMetrics
import IngestCore
import PostgresCopy
import PostgresWire
import RecordCodec
import Records
import Waitpoints

/// A batch whose transaction was sent. The rows' memory is free again; the block is kept for another try.
struct SentBatch {
    let planned: PlannedBatch
    let tables: [Table]
    var letters: [Rejection]
    let bytes: Int
    let sealedBy: String
    let sentAt: ContinuousClock.Instant
    /// Its rows went piece by piece, and none of them was refused any more.
    var wasIsolated = false
    /// Held, not read.
    private let underWay: BytesUnderWay?

    struct Table {
        let name: String
        let rows: Int
        let encoder: RouteEncoder
        let target: CopyTarget
        let isStaged: Bool
    }

    var tableNames: [String] { tables.map(\.name) }

    init(
        _ encoded: EncodedBatch, sealedBy: String, at time: ContinuousClock.Instant, underWay: BytesUnderWay? = nil
    ) {
        planned = encoded.planned
        tables = encoded.loads.map { load in
            Table(
                name: load.table.rows.table, rows: load.table.rows.rowCount, encoder: load.encoder,
                target: load.table.target, isStaged: load.isStaged)
        }
        letters = encoded.letters.map(\.rejection)
        bytes = encoded.byteCount
        self.sealedBy = sealedBy
        sentAt = time
        self.underWay = underWay
    }
}

extension CommitReport {
    /// Per table.
    var counts: [(stored: Int, duplicates: Int)] { tables.map { ($0.stored, $0.duplicates) } }
}

extension Pipeline {
    enum Settled { case clean, repaired }

    /// 7. Takes the answer to the COMMIT under way, if there is one, and works off a batch that failed.
    ///
    /// After `.repaired` the lane's buffers hold other rows than before.
    @discardableResult
    func settle() throws(LaneFailure) -> Settled {
        guard let sent = inFlight else { return .clean }
        inFlight = nil
        Waitpoint.commitSent.reach()
        let answer = try collect(sent)
        if case .durable(let receipt) = answer.outcome {
            for (table, answered) in zip(sent.tables, answer.report.tables) {
                answered.copySeconds.map { worker.metrics.table(table.name)?.copySeconds.record($0) }
            }
            committed(sent, receipt, answer.report.counts)
            return .clean
        }
        try workOff(sent, answer)
        return .repaired
    }

    /// 8. Sends the whole transaction and does not wait for its answer.
    func send(_ encoded: EncodedBatch) throws(LaneFailure) {
        inFlight = try begin(encoded)
    }

    /// - Precondition: no transaction is under way.
    func begin(_ encoded: EncodedBatch) throws(LaneFailure) -> SentBatch {
        let lineage = lineage(of: encoded)
        let unit = CommitUnit(
            rows: encoded.loads.map { load in
                CommitUnit.Rows(
                    target: load.table.target, count: load.table.rows.rowCount, source: load.table.rows,
                    isStaged: load.isStaged)
            },
            ranges: encoded.planned.plan.ranges.map { .init(source: $0.source, ids: $0.ids, count: $0.count) },
            letters: encoded.letters.map { $0.found(in: lineage.id) }, lineage: lineage)
        // Before the first byte goes: the server may keep the rows waiting.
        let underWay = worker.metrics.underWay(bytes: encoded.byteCount)
        try onPostgres { session throws(PostgresError) in session.begin(unit) }
        return SentBatch(encoded, sealedBy: lineage.sealedBy, at: worker.now, underWay: underWay)
    }

    func collect(_ sent: SentBatch) throws(LaneFailure) -> CommitAnswer {
        try onPostgres { session throws(PostgresError) in session.collect(sent.planned.attempt) }
    }

    /// The transaction is durable: only from here on its entries may be acknowledged.
    func committed(_ sent: SentBatch, _ receipt: CommitReceipt, _ counts: [(stored: Int, duplicates: Int)]) {
        Waitpoint.afterCommit.reach()
        noteProgress()
        noteTaken(zip(sent.tables, counts).filter { $1.stored + $1.duplicates > 0 }.map(\.0.name))
        for (table, count) in zip(sent.tables, counts) {
            let series = worker.metrics.table(table.name)
            series?.rows.increment(by: count.stored)
            series?.batch(sealedBy: sent.sealedBy)
            series?.duplicates.increment(by: count.duplicates)
            if table.isStaged { table.encoder.storedStaged(table.name, duplicates: count.duplicates) }
        }
        for letter in sent.letters { worker.metrics.rejected(letter) }
        worker.metrics.tally.update { tally in
            tally.entries += sent.planned.plan.ranges.reduce(0) { $0 + $1.count }
            tally.rows += counts.reduce(0) { $0 + $1.stored }
            tally.duplicates += counts.reduce(0) { $0 + $1.duplicates }
        }
        measure(sent)
        acknowledge(ledger.settle(receipt))
        release(sent.planned.batch)
    }

    private func measure(_ sent: SentBatch) {
        let batch = sent.planned.batch
        let seconds = (worker.now - batch.readAt) / .seconds(1)
        worker.metrics.record(.readCommit, seconds: seconds)
        worker.metrics.commitSeconds.record((worker.now - sent.sentAt) / .seconds(1))
        worker.metrics.batchRows.record(sent.tables.reduce(0) { $0 + $1.rows })
        worker.metrics.batchBytes.record(sent.bytes)
        let now = Double(worker.microseconds) / 1e6
        for delivery in ledger.deliveries(of: batch.number) where delivery.kind == .fresh {
            guard let oldest = delivery.ids.first else { continue }
            // Producers choose ids as they like: no integer arithmetic on them.
            let whole = now - Double(oldest.milliseconds) / 1e3
            worker.metrics.record(.enqueueRead, seconds: whole - seconds)
            worker.metrics.record(.enqueueCommit, seconds: whole)
        }
    }

    func acknowledge(_ ready: [Acknowledgement]) {
        if acknowledgingSince == nil, !ready.isEmpty { acknowledgingSince = worker.now }
        acknowledgements.append(ready)
    }

    /// Behind an answer of Redis: what it confirmed of `waiting` acknowledgements.
    func noteAcknowledged(of waiting: Int) {
        let confirmed = waiting - acknowledgements.count
        if acknowledgements.isEmpty, let since = acknowledgingSince {
            acknowledgingSince = nil
            if confirmed > 0 { worker.metrics.record(.commitAck, seconds: (worker.now - since) / .seconds(1)) }
        }
        worker.metrics.entriesAcknowledged.increment(by: confirmed)
    }

    /// The resend of a row was met: from now on this table's rows go through staging. `false` when that is no way out.
    func stage(_ sent: SentBatch, _ answer: CommitAnswer) -> Bool {
        guard let index = answer.report.duplicateKeyTable, index < sent.tables.count else { return false }
        let table = sent.tables[index]
        guard !table.isStaged, case .ignore = table.target.policy else { return false }
        table.encoder.metDuplicate(table.name)
        return true
    }
}
