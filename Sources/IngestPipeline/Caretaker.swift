import BlockingExecutor
import IngestCore
import Logging
import Maintenance
import PostgresWire

/// Chunks ahead of time, retention, compression: once a period by one of all workers of a database, on a thread and a
/// connection of its own, because one step may take minutes.
///
/// No guarantee rests on it: whatever fails is tried again in the next period.
actor Caretaker {
    private nonisolated let thread: BlockingThread
    private let worker: WorkerContext

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(worker: WorkerContext) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "maintenance")
        self.worker = worker
    }

    /// Runs to the end of the worker. Call it once.
    func run() {
        while !worker.stop.isRequested {
            do throws(PostgresError) {
                try turn()
            } catch {
                worker.log.debug("maintenance is tried again later", metadata: ["reason": "\(error)"])
            }
            worker.stop.pause(TimeTable.maintenanceCheck * Double.random(in: 0.8...1.0))
        }
    }

    /// A session for each look: it is idle all but a few seconds a period.
    private func turn() throws(PostgresError) {
        let connection = try PostgresConnection.connect(
            to: worker.settings.postgres, applicationName: "millrace/\(worker.identity)/maintenance",
            deadline: .now + .seconds(5))
        let maintainer = Maintainer(connection)
        guard try maintainer.claim(by: worker.identity, every: TimeTable.maintenanceInterval) else { return }
        let stop = worker.stop
        for table in try maintainer.run(while: { !stop.isRequested }) { tell(table) }
        try maintainer.prune { !stop.isRequested }
    }

    private func tell(_ table: TableMaintenance) {
        for entry in table.entries {
            guard case .done(let count) = entry.outcome, count > 0, entry.step.name != "make" else { continue }
            worker.log.info(
                "maintenance", metadata: ["table": "\(table.table)", "step": "\(entry.step.name)", "count": "\(count)"])
        }
        for failure in table.failures {
            worker.log.warning("a step of maintenance failed", metadata: ["reason": "\(failure)"])
        }
    }
}
