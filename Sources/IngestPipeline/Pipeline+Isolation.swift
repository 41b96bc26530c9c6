import IngestCore
import PostgresCopy
import PostgresWire
import RecordCodec
import Records

/// Rows the database refuses: one transaction per batch, in which every refused row becomes a dead letter.
extension Pipeline {
    /// Whether one of the tables has refused rows of late.
    func expectsRefusals(_ encoded: EncodedBatch) -> Bool {
        encoded.loads.contains { worker.tables.expectsRefusals($0.table.rows.table) }
    }

    /// Commits a batch piece by piece.
    func isolate(_ encoded: EncodedBatch) throws(LaneFailure) -> [Try] {
        let batch = encoded.planned.batch
        let lineage = lineage(of: encoded)
        var sent = SentBatch(encoded, sealedBy: lineage.sealedBy, at: worker.now)
        var letters = LetterBox(settings: worker.settings, letters: encoded.letters)
        let unit = CommitUnit(
            ranges: encoded.planned.plan.ranges.map { .init(source: $0.source, ids: $0.ids, count: $0.count) },
            letters: encoded.letters, lineage: lineage)
        let rows = encoded.loads.map { load in
            IsolatedRows(
                target: load.table.target, count: load.table.rows.rowCount, source: load.table.rows,
                isStaged: load.isStaged, refusedBefore: worker.tables.refusedInARow(load.table.rows.table))
        }
        let report = try onPostgres { session throws(PostgresError) in
            session.isolate(
                unit, rows: rows, limits: batch.isToBlame ? .ofWorkingTable : IsolationLimits(),
                mayMakeChunks: !batch.hasAskedForChunks
            ) { row in
                self.letter(row, of: encoded, &letters)
            }
        }
        switch report.end {
        case .tableRefused(let table, let error):
            return try blame(batch, or: sent.tables[table].name, error)
        case .tooMuch:
            let count = ledger.deliveries(of: batch.number).reduce(0) { $0 + $1.ids.count }
            guard count > 1 else {
                throw .postgres(PostgresError(.timeout, message: "one row takes too long"), .unforeseen)
            }
            return try halves(batch, behind: count / 2, isolates: true)
        case .answered:
            let outcome = CommitOutcome(CommitObservation(report.commit), of: encoded.planned.attempt)
            guard case .durable(let receipt) = outcome else {
                sent.wasIsolated = true
                return try nextTries(sent, CommitAnswer(outcome: outcome, report: report.commit))
            }
            sent.letters = letters.letters.map(\.rejection)
            for (table, count) in zip(sent.tables, report.tables) {
                worker.tables.storedIsolated(
                    table.name, taken: count.stored + count.duplicates, refused: count.refused)
                if count.wentToStaging { table.encoder.metDuplicate(table.name) }
            }
            committed(sent, receipt, report.tables.map { ($0.stored, $0.duplicates) })
            return []
        }
    }

    /// Every row was taken, and yet the transaction ends with an error that rows cause: a deferred constraint or trigger
    /// of the table, or our own statements. No savepoint helps against that, so the batch is halved, each half with a
    /// COMMIT of its own, until one entry is left.
    func halve(_ sent: SentBatch, _ error: PostgresError) throws(LaneFailure) -> [Try] {
        var batch = sent.planned.batch
        let survivors = survivors(of: sent.planned)
        guard survivors.count <= 1 else {
            return try halves(batch, behind: survivors[survivors.count / 2].position, isolates: true)
        }
        // Without any row it is no row's fault.
        guard let last = survivors.first, !sent.tables.isEmpty else { throw .postgres(error, .unforeseen) }
        for table in sent.tables where !batch.isToBlame {
            worker.tables.storedIsolated(table.name, taken: 0, refused: 1)
            guard worker.tables.refusedInARow(table.name) < IsolationLimits().wholesaleRefusals else {
                return try blame(batch, or: table.name, error)
            }
        }
        batch.refused[last.index] = Refusal(error, table: sent.tables.count == 1 ? sent.tables[0].name : nil)
        return try again(batch)
    }

    /// All that was tried of a batch was refused alike, after much else: either its entries are bad, and are tried once
    /// more to become letters, or the table is held.
    private func blame(_ batch: Batch, or table: String, _ error: PostgresError) throws(LaneFailure) -> [Try] {
        guard try takesOthers(table, than: batch) else {
            hold([table], .refusesRows, error, batch)
            return []
        }
        var batch = batch
        batch.isToBlame = true
        return try again(batch, isolates: true)
    }

    /// The dead letter of a refused row; `nil` when the transaction cannot hold another.
    private func letter(_ row: RefusedRow, of encoded: EncodedBatch, _ letters: inout LetterBox) -> DeadLetter? {
        let rows = encoded.loads[row.table].table.rows
        let index = rows.rows[row.row].entry
        let batch = encoded.planned.batch
        for (part, delivery) in zip(batch.parts, ledger.deliveries(of: batch.number)) {
            guard part.places.entry(at: index, count: delivery.ids.count) != nil else { continue }
            let fits = letters.add(
                index, Refusal(row.error, table: rows.table), of: batch.source, delivery.source, part.stream)
            return fits ? letters.letters.last : nil
        }
        return nil
    }
}
