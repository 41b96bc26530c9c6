import Logging
import PostgresCopy
import PostgresWire
import RecordCodec

/// Rows whose partition is missing (plain PostgreSQL): late ones of a day that was dropped, or a database that nobody
/// maintained. The partitions are made once per batch, where the table's limits allow it, and the batch is tried
/// again; what finds no partition then is a dead letter. (docs/partitioning.md)
extension Pipeline {
    /// Whether partitions were made, so that another try may succeed.
    func makeChunks(for sent: SentBatch, _ failedTable: Int?) throws(LaneFailure) -> Bool {
        // The lane's buffers hold the next batch by now: encode again to see which days it has.
        guard case .full(let encoded) = try encode(sent.planned), let failedTable,
            failedTable < encoded.loads.count
        else { return false }
        let load = encoded.loads[failedTable]
        let days = load.table.rows.days
        guard !days.isEmpty else { return false }
        let made = try onPostgres { session throws(PostgresError) in
            try session.makeChunks(of: load.table.target.oid, days: days)
        }
        worker.log.info(
            "rows had no partition",
            metadata: ["table": "\(load.table.rows.table)", "days": "\(days.count)", "may_have_one": "\(made)"])
        return made > 0
    }
}

extension PostgresError {
    /// `no partition of relation … found for row`: of all check violations only this one names no constraint.
    var isMissingPartition: Bool { sqlState?.code == "23514" && constraint == nil && kind == .server }
}

extension PostgresSession {
    /// Asks for the chunks of these days (counted from 1970, UTC).
    /// - Returns: for how many of them a chunk is, or may be made; 0 for a table that nobody maintains.
    func makeChunks(of table: UInt32, days: [Int32]) throws(PostgresError) -> Int {
        let list = days.map { String(Int64($0) * 86_400) }.joined(separator: ",")
        do throws(PostgresError) {
            let rows = try connection.query(
                """
                SELECT ingest.make_chunks($1::oid::regclass,
                         (SELECT array_agg(to_timestamp(day)) FROM unnest($2::float8[]) day), '1 day') AS n
                """, [String(table), "{\(list)}"], deadline: deadline)
            return Int(try rows.first?.integer("n") ?? 0)
        } catch {
            // Nobody maintains the table (SL003), or its owner is another one: the rows are letters then.
            guard error.kind == .server, !error.isConnectionLost else { throw error }
            return 0
        }
    }
}
