import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import RecordCodec
import Records

/// Tables that take no rows for now. Their streams are not read and what was read of them stays pending in Redis,
/// where it takes no memory here; other tables go on. Once the table takes rows again, the pending entries are read
/// back. (docs/decisions/0008-breakers-park-in-redis.md)
extension Pipeline {
    /// Leaves streams of held tables out, and takes up again those of tables that are no longer held.
    func refreshParking() throws(LaneFailure) {
        let paused = worker.directory.paused
        guard !(worker.tables.isClear && owed.isEmpty && parked.isEmpty && paused.isEmpty) else { return }
        try checkHeldTable()
        let blocked = worker.tables.blocked
        parked = paused.union(
            blocked.isEmpty ? [] : worker.directory.all.filter { worker.writes($0, to: blocked) })
        owed.formUnion(claims.leave(parked))
        let free = owed.subtracting(parked)
        owed.subtract(free)
        claims.readBack(free)
    }

    /// Whether one of the batch's tables is held.
    func isHeld(_ batch: Batch) -> Bool {
        let blocked = worker.tables.blocked
        return !blocked.isEmpty && batch.parts.contains { worker.writes($0.stream, to: blocked) }
    }

    /// Gives the batch up for now: its entries stay pending, and are read back when their tables take rows again.
    func park(_ batch: Batch) {
        acknowledge(ledger.leave(batch.number))
        owed.formUnion(batch.parts.map(\.stream))
        release(batch)
    }

    /// A failure that is the table's, not the pipeline's: opens its breaker and parks the batch.
    /// - Returns: `false` when it is not a table's.
    func hold(_ sent: SentBatch, _ failure: FailureClass, _ error: PostgresError, _ failedTable: Int?) -> Bool {
        let isTargetChanged = error.sqlState == .targetChanged
        guard let hold = TableHold(failure, namesTable: failedTable != nil || isTargetChanged) else { return false }
        let tables = failedTable.map { [sent.tables[$0].name] } ?? sent.tableNames
        self.hold(tables, hold, error, sent.planned.batch)
        return true
    }

    func hold(_ tables: [String], _ hold: TableHold, _ error: PostgresError, _ batch: Batch) {
        for table in Set(tables) {
            guard worker.tables.failed(table, hold, reason: "\(error)") else { continue }
            worker.metrics.tableHeld(table, true)
            worker.log.log(
                level: hold.needsPerson ? .error : .warning,
                "a table takes no rows; its streams wait, others go on",
                metadata: ["table": "\(table)", "reason": "\(error)"])
        }
        worker.metrics.postgresFailed("table")
        park(batch)
    }

    /// A table took rows.
    func noteTaken(_ tables: [String]) {
        guard !worker.tables.isClear else { return }
        for table in Set(tables) where worker.tables.succeeded(table) {
            worker.metrics.tableHeld(table, false)
            worker.log.notice("a table takes rows again", metadata: ["table": "\(table)"])
        }
    }

    // MARK: Checking a mapping again

    /// A table was altered since its mapping was checked. When the mapping still fits, the batch is encoded anew at
    /// once: people add columns while workers run.
    func adoptChange(_ sent: SentBatch, _ error: PostgresError) throws(LaneFailure) -> [Try]? {
        var batch = sent.planned.batch
        guard error.sqlState == .targetChanged, batch.retries < Self.retryLimit else { return nil }
        for table in Set(sent.tableNames) {
            guard try check(table) == nil else { return nil }
        }
        worker.log.notice(
            "a table was altered; its mapping still fits", metadata: ["tables": "\(sent.tableNames)"])
        batch.retries += 1
        return try again(batch)
    }

    /// Checks a held table whose turn it is. It may take rows again because it is what it was, or because its mapping
    /// fits what it has become.
    private func checkHeldTable() throws(LaneFailure) {
        guard let table = worker.tables.takeCheck() else { return }
        do throws(LaneFailure) {
            try settle()
            worker.tables.checked(table, problem: try check(table))
        } catch {
            worker.tables.checked(table, problem: "\(error)")
            throw error
        }
    }

    /// Compares a table's mappings with the catalog and takes them as they are compiled now. Returns why they do not
    /// fit.
    private func check(_ table: String) throws(LaneFailure) -> String? {
        try onPostgres { session throws(PostgresError) in
            do throws(StartupFailure) {
                worker.tables.adopt(try Worker.check(worker.settings.mappings, table: table, session.connection))
                return nil
            } catch {
                return "\(error)"
            }
        }
    }
}
