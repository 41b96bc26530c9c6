import CoreMetrics
import Logging
import PostgresCopy
import PostgresWire

/// How many letters are open, for metrics, and a warning when they are too many. Nothing caps them.
struct LetterSurvey {
    private let worker: WorkerContext
    private var isTooMany = false
    /// Causes that were seen: a gauge stays at its last value unless it is set to zero.
    private var causes: Set<String> = []

    init(worker: WorkerContext) {
        self.worker = worker
    }

    mutating func take(_ store: LetterStore) throws(PostgresError) {
        let census = try store.census(deadline: .now + PostgresSession.patience)
        for cause in causes.union(census.byCause.keys) {
            worker.metrics.openLetters(cause, count: census.byCause[cause] ?? 0)
        }
        causes.formUnion(census.byCause.keys)
        worker.metrics.retryScheduled.record(census.scheduled)
        let alert = worker.settings.letterAlert
        let isAbove = census.open > alert.rows || census.bytes > alert.bytes
        if isAbove, !isTooMany {
            worker.log.warning(
                "many dead letters are open",
                metadata: ["count": "\(census.open)", "bytes": "\(census.bytes)"])
        }
        isTooMany = isAbove
    }
}
