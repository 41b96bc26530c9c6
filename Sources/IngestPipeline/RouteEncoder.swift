import PostgresCopy
import RecordCodec
import Records

/// The encoder of one route and the tables its rows go to; belongs to one lane.
final class RouteEncoder {
    /// Batches that go through a staging table after a resend was met; as long as resends go on, staging stays.
    static let stagedBatches = 20

    /// The rows of one table, and how they are written to it.
    struct Table {
        let rows: TableRows
        let target: CopyTarget
    }

    /// In the order of the route's mappings.
    let tables: [Table]
    /// By table: how many more batches go through staging.
    var staged: [String: Int] = [:]
    private var encoder: StreamEncoder

    init(mappings: [CheckedMapping], limits: CodecLimits, keptBytes: Int) throws(PlanError) {
        // Mappings of one table that fill the same columns in the same way share a batch of rows.
        var outputs: [Int] = []
        var tables: [Table] = []
        var sharers: [RowPlan] = []
        for mapping in mappings {
            let plan = mapping.plan
            let shared = sharers.firstIndex { known in
                known.table == plan.table && known.columns == plan.columns
                    && known.mapping.onConflict == plan.mapping.onConflict && known.mapping.apply == plan.mapping.apply
                    && known.mapping.earliest == plan.mapping.earliest
            }
            if let shared {
                outputs.append(shared)
            } else {
                outputs.append(tables.count)
                let rows = TableRows(for: plan)
                rows.keptBytes = keptBytes
                tables.append(Table(rows: rows, target: mapping.target))
                sharers.append(plan)
            }
        }
        self.tables = tables
        encoder = try StreamEncoder(plans: mappings.map(\.plan), outputs: outputs, limits: limits)
    }

    /// Empties the tables for the next batch.
    func begin() {
        for table in tables { table.rows.begin() }
    }

    /// See ``StreamEncoder/encode(_:of:stream:now:skipping:into:rejected:)``.
    func encode(
        _ run: Range<Int>, of source: HeldBlock, stream: StreamKey, now: Int64, skipping skipped: [Int],
        rejected: inout [RejectedEntry]
    ) -> Int {
        encoder.encode(
            run, of: source.block, stream: stream, now: now, skipping: skipped, into: tables.map(\.rows),
            rejected: &rejected)
    }

    // MARK: Staging

    func isStaged(_ table: Table) -> Bool { staged[table.rows.table, default: 0] > 0 }

    /// A plain COPY met a key that is there already.
    func metDuplicate(_ table: String) {
        staged[table] = Self.stagedBatches
    }

    /// A staged batch is stored: so many of its rows were duplicates.
    func storedStaged(_ table: String, duplicates: Int) {
        guard let left = staged[table] else { return }
        staged[table] = duplicates > 0 ? Self.stagedBatches : max(0, left - 1)
    }
}
