import IngestCore
import PostgresCopy
import RecordCodec
import Records
import Waitpoints

/// A batch as the transaction that is about to be sent.
struct EncodedBatch {
    /// One table's rows and where their settings are.
    struct Load {
        let table: RouteEncoder.Table
        let encoder: RouteEncoder
        let isStaged: Bool

        /// What an encoder holds, ready to be sent, in the order in which a transaction writes it: a failed COPY is
        /// told by its place.
        static func filled(_ encoder: RouteEncoder) -> [Load] {
            encoder.tables.filter { !$0.rows.isEmpty }.map { table in
                table.rows.finish()
                return Load(table: table, encoder: encoder, isStaged: encoder.isStaged(table))
            }.sorted { ($0.table.target.table, $0.table.target.oid) < ($1.table.target.table, $1.table.target.oid) }
        }
    }

    let planned: PlannedBatch
    /// In the order in which the transaction writes them.
    var loads: [Load]
    var letters: [DeadLetter]

    var byteCount: Int { loads.reduce(0) { $0 + $1.table.rows.byteCount } }
}

/// What encoding came to.
enum EncodeResult {
    case full(EncodedBatch)
    /// One transaction must not hold more than the first so many entries of the batch.
    case tooMuch(Int)
}

extension Pipeline {
    /// 6. Turns the survivors of a plan into binary rows, straight from the block's bytes, and the rest into letters.
    func encode(_ planned: PlannedBatch) throws(LaneFailure) -> EncodeResult {
        var letters = LetterBox(settings: worker.settings)
        var position = 0
        let routes = Set(planned.batch.parts.map(\.route))
        refreshEncoders()
        for route in routes { try encoder(of: route).begin() }
        let deliveries = ledger.deliveries(of: planned.batch.number)
        for (index, part) in planned.batch.parts.enumerated() {
            for stretch in planned.plan.parts[index].survivors {
                if let done = try encode(stretch, of: part, deliveries[index], planned.batch, into: &letters) {
                    let count = position + done
                    if count > 0 { return .tooMuch(count) }
                }
            }
            position += deliveries[index].ids.count
        }
        var loads: [EncodedBatch.Load] = []
        for route in routes { loads += try EncodedBatch.Load.filled(encoder(of: route)) }
        // The order of the transaction: a failed COPY is told by its place.
        loads.sort { ($0.table.target.table, $0.table.target.oid) < ($1.table.target.table, $1.table.target.oid) }
        // Every entry is one row or one letter. Whatever mistake made them fewer, they must not be recorded as stored.
        let disposed = loads.reduce(letters.letters.count) { $0 + $1.table.rows.rowCount }
        guard disposed == planned.plan.survivorCount else {
            throw .miscounted(entries: planned.plan.survivorCount, disposed: disposed)
        }
        return .full(EncodedBatch(planned: planned, loads: loads, letters: letters.letters))
    }

    /// - Returns: how many of the delivery's entries fit, when not all did.
    private func encode(
        _ stretch: Range<Int>, of part: Batch.Part, _ delivery: Delivery, _ batch: Batch, into letters: inout LetterBox
    ) throws(LaneFailure) -> Int? {
        var entry = stretch.lowerBound
        while entry < stretch.upperBound {
            guard let first = part.places.index(entry) else {
                if !letters.add(deleted: delivery.ids[entry], delivery.source, part.stream) { return entry }
                entry += 1
                continue
            }
            var end = entry + 1
            while end < stretch.upperBound, part.places.index(end) == first + (end - entry) { end += 1 }
            if let stopped = try encode(first..<(first + end - entry), of: part, delivery.source, batch, into: &letters)
            {
                return entry + (stopped - first)
            }
            entry = end
        }
        return nil
    }

    /// Encodes neighbours in the block. Returns the index of the first entry that did not fit.
    private func encode(
        _ run: Range<Int>, of part: Batch.Part, _ source: SourceNumber, _ batch: Batch, into letters: inout LetterBox
    ) throws(LaneFailure) -> Int? {
        var rejected: [RejectedEntry] = []
        let refused = batch.refused.isEmpty ? [] : run.filter { batch.refused[$0] != nil }
        if Waitpoints.isOn {
            for index in run where !refused.contains(index) {
                Waitpoints.shared.encode(batch.source.block.rawFields(index))
            }
        }
        let next = try encoder(of: part.route).encode(
            run, of: batch.source, stream: part.stream, now: worker.microseconds, skipping: refused,
            rejected: &rejected)
        for index in refused where index < next {
            guard let refusal = batch.refused[index] else { continue }
            rejected.append(RejectedEntry(index: index, rejection: refusal.rejection))
        }
        if !refused.isEmpty { rejected.sort { $0.index < $1.index } }
        for entry in rejected {
            let refusal = batch.refused[entry.index] ?? Refusal(entry.rejection)
            guard letters.add(entry.index, refusal, of: batch.source, source, part.stream) else {
                return entry.index
            }
        }
        return next < run.upperBound ? next : nil
    }

}
