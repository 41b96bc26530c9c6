import Records

/// Every series that Millrace has, in the order of `/metrics` and of the reference.
public enum MetricCatalog {
    public static let all: [MetricDefinition] = flow + batches + latencies + streams + trouble + process

    // MARK: Flow

    public static let entriesRead = MetricDefinition(
        "entries_read_total", .counter, help: "Entries read from streams, claims included.")
    public static let entriesAcked = MetricDefinition(
        "entries_acked_total", .counter, help: "Entries that Redis confirmed as acknowledged.")
    public static let entriesClaimed = MetricDefinition(
        "entries_claimed_total", .counter, help: "Entries taken over from other consumers.")
    public static let rowsCommitted = MetricDefinition(
        "rows_committed_total", .counter, [table], help: "Rows that a commit made durable.")
    public static let rowsDeduplicated = MetricDefinition(
        "rows_deduplicated_total", .counter, [.init("by", ["ledger", "key"])],
        help: "Entries found stored already: by the ledger of ids, or by the table's natural key.")
    public static let rowsDead = MetricDefinition(
        "rows_dead_total", .counter, [table, cause], help: "Entries that became dead letters.")

    private static let flow = [
        entriesRead, entriesAcked, entriesClaimed, rowsCommitted, rowsDeduplicated, rowsDead,
    ]

    // MARK: Batches

    public static let batchCount = MetricDefinition(
        "batches_total", .counter, [table, .init("sealed_by")], help: "Committed batches, by what ended them.")
    public static let batchRows = MetricDefinition(
        "batch_rows", .histogram([1, 10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]),
        help: "Rows of a batch.")
    public static let batchBytes = MetricDefinition(
        "batch_bytes",
        .histogram([1024, 8192, 65536, 262_144, 1_048_576, 2_097_152, 4_194_304, 8_388_608, 33_554_432]),
        help: "Encoded bytes of a batch.")
    public static let inflightBytes = MetricDefinition(
        "inflight_bytes", .gauge,
        help: "Encoded bytes of batches that were sent and are not answered yet, of all lanes.")
    public static let paused = MetricDefinition(
        "paused", .gauge, help: "How many streams an operator has paused.")

    private static let batches = [batchCount, batchRows, batchBytes, inflightBytes, paused]

    // MARK: Latencies

    /// From half a millisecond to one minute.
    static let seconds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    public static let copyDuration = MetricDefinition(
        "copy_duration_seconds", .histogram(seconds), [table],
        help: "Time to hand a batch's rows of a table to the server, from its answer to COPY.")
    public static let commitDuration = MetricDefinition(
        "commit_duration_seconds", .histogram(seconds),
        help: "Time from the end of COPY until the lane, which reads on meanwhile, has the commit's answer.")
    public static let stageLatency = MetricDefinition(
        "stage_latency_seconds", .histogram(seconds),
        [.init("stage", ["enqueue_read", "read_commit", "commit_ack", "enqueue_commit"])],
        help: """
            Time between two stages of an entry; it is enqueued at the moment in its id. commit_ack ends when Redis \
            has confirmed, which it does together with the next read.
            """)

    private static let latencies = [copyDuration, commitDuration, stageLatency]

    // MARK: Streams

    public static let freshness = MetricDefinition(
        "freshness_seconds", .gauge, [stream], help: "Age of the newest entry that is committed.")
    public static let streamLag = MetricDefinition(
        "stream_lag", .gauge, [stream], help: "Entries that the group has not read yet.")
    public static let streamPending = MetricDefinition(
        "stream_pending", .gauge, [stream], help: "Entries read and not acknowledged.")
    public static let oldestPending = MetricDefinition(
        "stream_oldest_pending_seconds", .gauge, [stream], help: "Age of the oldest entry not acknowledged.")
    public static let unreadTrimmed = MetricDefinition(
        "stream_unread_trimmed_total", .counter, [stream],
        help: "Entries that were trimmed before the group read them; not counted before Redis 7.0.")
    public static let trimmed = MetricDefinition(
        "stream_trimmed_total", .counter, [stream],
        help: "Entries that were trimmed because every group had acknowledged them.")
    public static let auditPosition = MetricDefinition(
        "audit_position_seconds", .gauge, help: "Moment in the id up to which the audit found nothing missing.")

    private static let streams = [
        freshness, streamLag, streamPending, oldestPending, unreadTrimmed, trimmed, auditPosition,
    ]

    // MARK: Trouble

    public static let conservationError = MetricDefinition(
        "conservation_error", .gauge,
        help: """
            Entries that were read and are neither stored, pending nor dead, of the streams that can be counted \
            (Redis 7.0 and later), or that the audit found missing. Anything but 0 wants `millrace reconcile`: it \
            stores those that their stream still holds; the others are lost.
            """)
    public static let conservationUnknown = MetricDefinition(
        "conservation_unknown", .gauge,
        help: """
            Streams that conservation_error cannot count: the server does not say how many entries were read (before \
            Redis 7.0, or after XGROUP SETID), the group existed before Millrace, or the database does not know the \
            stream. The audit looks at the entries of all but the last one by one.
            """)
    public static let deadLetters = MetricDefinition(
        "dead_letters", .gauge, [cause], help: "Open dead letters.")
    public static let retryScheduled = MetricDefinition(
        "retry_scheduled", .gauge, help: "Dead letters that wait for a retry.")
    public static let deadLetterBacklog = MetricDefinition(
        "dead_letter_mirror_backlog", .gauge, help: "Dead letters not yet in the dead-letter stream.")
    public static let redisReconnects = MetricDefinition(
        "redis_reconnects_total", .counter, [.init("reason")], help: "Connections to Redis that were made anew.")
    public static let postgresErrors = MetricDefinition(
        "pg_errors_total", .counter, [.init("class")], help: "Errors of PostgreSQL, by what is done about them.")
    public static let tableHeld = MetricDefinition(
        "table_held", .gauge, [table], help: "1 while the table takes no rows and its streams wait.")
    public static let fenceConflicts = MetricDefinition(
        "fence_conflicts_total", .counter, help: "Batches that met entries stored by another worker.")
    public static let incarnations = MetricDefinition(
        "incarnations_total", .counter, [.init("reason")], help: "Streams that were found to be new under an old name.")
    public static let destinationWentBack = MetricDefinition(
        "destination_went_back", .gauge, help: "1 when the database lacks what was acknowledged: run reconcile.")
    public static let streamRegressed = MetricDefinition(
        "stream_regressed", .gauge, [stream],
        help: "1 since the worker found that the stream's last id had gone back, and moved it forward.")

    private static let trouble = [
        conservationError, conservationUnknown, deadLetters, retryScheduled, deadLetterBacklog, redisReconnects,
        postgresErrors, tableHeld, fenceConflicts, incarnations, destinationWentBack, streamRegressed,
    ]

    // MARK: Process

    public static let buildInfo = MetricDefinition(
        "build_info", .gauge, [.init("version")], help: "Always 1; the labels name the build.")
    public static let workerUp = MetricDefinition(
        "worker_up", .gauge, help: "1 while the pipeline runs.")

    private static let process = [buildInfo, workerUp]

    // MARK: Labels

    private static let table = MetricDefinition.Label("table")
    private static let stream = MetricDefinition.Label("stream")
    private static let cause = MetricDefinition.Label("cause", Rejection.Reason.allCases.map(\.rawValue))
}
