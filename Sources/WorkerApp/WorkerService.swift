import AdminHTTP
import Glibc
import IngestPipeline
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// The worker as a service: a graceful shutdown stops it, and a hard limit bounds how long that may take.
struct WorkerService: Service {
    /// How the run ended; `nil` when it never began.
    final class Outcome: Sendable {
        private let stored = Mutex<Worker.RunEnd?>(nil)

        var value: Worker.RunEnd? { stored.withLock(\.self) }

        func set(_ end: Worker.RunEnd) { stored.withLock { $0 = end } }
    }

    let worker: Worker
    let drain: Worker.Drain?
    let grace: Duration
    let registry: PrometheusRegistry
    let log: Logger
    let outcome = Outcome()

    func run() async throws {
        log.info("carrying entries")
        registry.set(MetricCatalog.workerUp, to: 1)
        defer { registry.set(MetricCatalog.workerUp, to: 0) }
        let end = try await withGracefulShutdownHandler {
            // Cancelled when a service beside this one fails; the lanes' threads know nothing of tasks.
            try await withTaskCancellationHandler {
                try await worker.run(draining: drain)
            } onCancel: {
                worker.stop()
            }
        } onGracefulShutdown: {
            log.info("stopping: finishing batches under way")
            worker.stop()
            watchGrace()
        }
        outcome.set(end)
        log.info("stopped")
    }

    /// A lane may hang in a call that its server does not answer. What it holds is pending and in nobody's way, so the
    /// process may end: the thread dies with it.
    private func watchGrace() {
        let limit = grace
        let log = log
        Task.detached {
            try await Task.sleep(for: limit)
            log.error("not stopped within shutdown.grace: ending now; what is pending will be claimed")
            exit(1)
        }
    }
}

/// `/readyz`: whether every lane carries entries.
struct WorkerReadiness: ReadinessReporting {
    let worker: Worker

    func readiness() async -> ReadinessReport {
        let lanes = worker.lanes.enumerated().map { index, lane in
            ReadinessReport.Check(
                "lane-\(index)", isPassing: lane.isConnected && lane.failure == nil, detail: lane.failure)
        }
        // A worker that carries the other tables' entries is ready.
        let tables = worker.heldTables.map { held in
            ReadinessReport.Check("table-\(held.table)", isPassing: true, detail: "held: \(held.reason)")
        }
        let streams = worker.streamsLeftOut.map { left in
            ReadinessReport.Check("stream-\(left.stream)", isPassing: true, detail: "left out: \(left.reason)")
        }
        return ReadinessReport(checks: lanes + tables + streams)
    }
}
