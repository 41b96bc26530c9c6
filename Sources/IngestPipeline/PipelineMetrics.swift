import CoreMetrics
import IngestCore
import Records

/// The series the flow writes, made once so that all exist from the start. Written per batch, never per entry.
public struct PipelineMetrics: Sendable {
    /// What is counted for each table.
    struct Table: Sendable {
        let rows: Counter
        let duplicates: Counter
        let copySeconds: Recorder
        /// By what ended the batch.
        private let batches: [String: Counter]

        init(name: String) {
            rows = Counter(label: "millrace_rows_committed_total", dimensions: [("table", name)])
            duplicates = Counter(label: "millrace_rows_deduplicated_total", dimensions: [("by", "key")])
            copySeconds = Recorder(
                label: "millrace_copy_duration_seconds", dimensions: [("table", name)], aggregate: true)
            batches = Dictionary(
                uniqueKeysWithValues: PipelineMetrics.seals.map { seal in
                    let labels = [("table", name), ("sealed_by", seal)]
                    return (seal, Counter(label: "millrace_batches_total", dimensions: labels))
                })
        }

        func batch(sealedBy seal: String) { batches[seal]?.increment() }
    }

    /// What ends a batch: it has all the rows it may have, or there was nothing more.
    static let seals = ["rows", "linger", "drain"]

    let entriesRead = Counter(label: "millrace_entries_read_total")
    let entriesAcknowledged = Counter(label: "millrace_entries_acked_total")
    let entriesClaimed = Counter(label: "millrace_entries_claimed_total")
    private let covered = Counter(label: "millrace_rows_deduplicated_total", dimensions: [("by", "ledger")])
    let fenceConflicts = Counter(label: "millrace_fence_conflicts_total")
    let batchRows = Recorder(label: "millrace_batch_rows", dimensions: [], aggregate: true)
    let batchBytes = Recorder(label: "millrace_batch_bytes", dimensions: [], aggregate: true)
    let commitSeconds = Recorder(label: "millrace_commit_duration_seconds", dimensions: [], aggregate: true)
    private let inflightBytes = Meter(label: "millrace_inflight_bytes")
    let paused = Gauge(label: "millrace_paused")
    let destinationWentBack = Gauge(label: "millrace_destination_went_back")
    let mirrorBacklog = Gauge(label: "millrace_dead_letter_mirror_backlog")
    let retryScheduled = Gauge(label: "millrace_retry_scheduled")
    let conservationError = Gauge(label: "millrace_conservation_error")
    let conservationUnknown = Gauge(label: "millrace_conservation_unknown")
    let auditPosition = Gauge(label: "millrace_audit_position_seconds")
    /// The same for the end of a run.
    let tally = RunTally()
    private let tables: [String: Table]
    private let stages: [Stage: Recorder]

    /// Parts of an entry's way. The millisecond part of its id is when it was enqueued.
    enum Stage: String, CaseIterable {
        case enqueueRead = "enqueue_read"
        case readCommit = "read_commit"
        case commitAck = "commit_ack"
        case enqueueCommit = "enqueue_commit"
    }

    public init(tables names: [String]) {
        tables = Dictionary(
            names.map { ($0, Table(name: $0)) }, uniquingKeysWith: { first, _ in first })
        stages = Dictionary(
            uniqueKeysWithValues: Stage.allCases.map { stage in
                let label = "millrace_stage_latency_seconds"
                return (stage, Recorder(label: label, dimensions: [("stage", stage.rawValue)], aggregate: true))
            })
    }

    func table(_ name: String) -> Table? { tables[name] }

    /// Entries came again, and the ledger had them.
    func covered(_ count: Int) {
        covered.increment(by: count)
        tally.update { $0.covered += count }
    }

    func record(_ stage: Stage, seconds: Double) {
        stages[stage]?.record(max(0, seconds))
    }

    func rejected(_ rejection: Rejection, count: Int = 1) {
        Counter(
            label: "millrace_rows_dead_total",
            dimensions: [("table", rejection.table ?? ""), ("cause", rejection.reason.rawValue)]
        ).increment(by: count)
        tally.update { $0.letters[rejection.reason, default: 0] += count }
    }

    func openLetters(_ cause: String, count: Int) {
        Gauge(label: "millrace_dead_letters", dimensions: [("cause", cause)]).record(count)
    }

    func reconnected(_ reason: String) {
        Counter(label: "millrace_redis_reconnects_total", dimensions: [("reason", reason)]).increment()
    }

    func postgresFailed(_ errorClass: String) {
        Counter(label: "millrace_pg_errors_total", dimensions: [("class", errorClass)]).increment()
    }

    func tableHeld(_ table: String, _ isHeld: Bool) {
        Gauge(label: "millrace_table_held", dimensions: [("table", table)]).record(isHeld ? 1 : 0)
    }

    func incarnation(_ reason: String) {
        Counter(label: "millrace_incarnations_total", dimensions: [("reason", reason)]).increment()
    }

    func regressed(_ stream: StreamKey) {
        Gauge(label: "millrace_stream_regressed", dimensions: [("stream", "\(stream)")]).record(1)
    }

    func underWay(bytes: Int) -> BytesUnderWay { BytesUnderWay(bytes, in: inflightBytes) }
}

/// Bytes of a batch that was sent. They count for as long as this lives, so that they are taken off whatever ends the
/// batch: an answer, or a lane that drops what it holds.
final class BytesUnderWay {
    private let count: Double
    private let meter: Meter

    init(_ count: Int, in meter: Meter) {
        self.count = Double(count)
        self.meter = meter
        meter.increment(by: self.count)
    }

    deinit { meter.decrement(by: count) }
}
