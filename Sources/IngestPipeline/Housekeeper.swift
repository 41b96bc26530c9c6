import BlockingExecutor
import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire

/// What a worker does besides carrying entries, on a thread and connections of its own: discovery, merging the ledger,
/// mirroring dead letters, ending hung sessions, and watching for the end of a drain.
///
/// Nothing of it may hold up a lane, and none of it is needed for a guarantee: whatever fails is tried again.
actor Housekeeper {
    private nonisolated let thread: BlockingThread
    private let worker: WorkerContext
    private var redis: RedisConnection?
    private var postgres: PostgresConnection?
    private var duties = Duties()
    private var upkeep = Upkeep()
    /// Sources whose ledger is still to be merged in this round.
    private var unmerged: ArraySlice<OpenSource> = []
    private var discovery: StreamDiscovery
    private var backoff = Backoff(base: .milliseconds(100), cap: .seconds(5))
    var drain: DrainWatch?
    private var notice = LetterNotice()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(worker: WorkerContext, drain: DrainWatch?) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "housekeeper")
        self.worker = worker
        self.drain = drain
        discovery = StreamDiscovery(worker.routes.keys)
    }

    /// Runs to the end of the worker. Call it once.
    func run() {
        while !worker.stop.isRequested {
            tellLetters()
            do {
                try turn()
                backoff.succeeded()
                worker.stop.pause(.milliseconds(50))
            } catch {
                worker.log.debug("housekeeping starts over", metadata: ["reason": "\(error)"])
                if error is RedisError { redis = nil }
                if error is PostgresError { postgres = nil }
                worker.stop.pause(backoff.failed(jitter: Double.random(in: 0...1)))
            }
        }
    }

    /// One look at every duty.
    private func turn() throws {
        let redis =
            try self.redis
            ?? RedisConnection.connect(
                to: worker.settings.redis, name: "millrace/\(worker.identity)/housekeeper")
        self.redis = redis
        try readPauses(redis)
        try discover(redis)
        if try watchDrain(redis) { return }
        let postgres = try connectPostgres()
        try mirror(redis, postgres)
        try merge(redis, postgres)
        try reap(postgres)
        try upkeep.turn(worker, GroupServers(worker, redis, postgres), &duties)
    }

    private func connectPostgres() throws(PostgresError) -> PostgresConnection {
        if let postgres, postgres.isOpen { return postgres }
        let connection = try PostgresConnection.connect(
            to: worker.settings.postgres, applicationName: "millrace/\(worker.identity)/housekeeper",
            deadline: .now + .seconds(5))
        postgres = connection
        return connection
    }

    // MARK: Streams

    private func readPauses(_ redis: RedisConnection) throws(RedisError) {
        guard duties.isDue(.pauses, every: TimeTable.pauseInterval) else { return }
        try worker.readPauses(redis)
    }

    private func discover(_ redis: RedisConnection) throws(RedisError) {
        guard duties.isDue(.discovery, every: worker.settings.discoverEvery) || drain?.needsScan == true else { return }
        let isWhole = try discovery.advance(on: redis, calls: 20)
        worker.directory.add(
            discovery.streams.compactMap { stream in worker.routes.route(of: stream).map { (stream, $0) } })
        if isWhole { drain?.scanned() } else { duties.repeatSoon(.discovery) }
    }

    /// Whether the worker is done.
    private func watchDrain(_ redis: RedisConnection) throws(RedisError) -> Bool {
        guard var drain, duties.isDue(.drain, every: .milliseconds(50)) else { return false }
        let result = try drain.look(redis, worker)
        self.drain = drain
        guard let result else { return false }
        drain.finish(result)
        worker.stop.request()
        return true
    }

    // MARK: Dead letters and ledger

    private func tellLetters(isLast: Bool = false) {
        notice.tell(worker.metrics.tally.figures.letters, log: worker.log, now: worker.now, isLast: isLast)
    }

    /// When the lanes have ended: what they did, and what is left to do of the group's dead letters.
    func summarize() -> RunSummary {
        tellLetters(isLast: true)
        let letters = drain == nil ? nil : try? takeStock()
        return RunSummary(figures: worker.metrics.tally.figures, letters: letters)
    }

    private func takeStock() throws(PostgresError) -> RunSummary.Letters {
        let settings = worker.settings
        let postgres = try connectPostgres()
        let deadline = ContinuousClock.now + .seconds(5)
        let census = try LetterStore(postgres, scope: settings.letterScope).census(deadline: deadline)
        let unmirrored =
            settings.mirrorMax == 0
            ? nil
            : try DeadLetterStore(postgres).unmirroredCount(
                redisID: settings.redisDeployment, redisDatabase: settings.redis.database, group: settings.group,
                deadline: deadline)
        return .init(open: census.open, scheduled: census.scheduled, unmirrored: unmirrored)
    }

    private func mirror(_ redis: RedisConnection, _ postgres: PostgresConnection) throws {
        guard worker.settings.mirrorMax > 0, duties.isDue(.mirror, every: .milliseconds(500)) else { return }
        let mirrored = try LetterMirroring(worker: worker, redis: redis, postgres: postgres).copy()
        if mirrored.isMore { duties.repeatSoon(.mirror) }
    }

    /// Merges a second at most: other duties must not wait for thousands of streams.
    private func merge(_ redis: RedisConnection, _ postgres: PostgresConnection) throws {
        guard !unmerged.isEmpty || duties.isDue(.merge, every: TimeTable.mergeInterval) else { return }
        // A merge over what a restored database lacks would hide it.
        if case .wentBack = try GroupServers(worker, redis, postgres).destination() { return }
        let merging = LedgerMerging(
            worker: worker, redis: redis, postgres: postgres,
            replicationID: try redis.serverFacts().masterReplicationID)
        if unmerged.isEmpty { unmerged = ArraySlice(try merging.due()) }
        let end = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < end, let source = unmerged.popFirst() {
            do {
                if try merging.merge(source) { unmerged.append(source) }
            } catch let error as RedisError where error.serverError != nil {
                // Of one stream, which is none any more. Others go on.
                worker.log.debug(
                    "a stream's ledger was not merged",
                    metadata: ["stream": "\(source.stream)", "reason": "\(error)"])
            }
        }
    }

    /// Ends sessions of ours that hold a transaction open and wait for a client that does not go on. Only this ends a
    /// session that waits for COPY data, and such a session can keep everybody from making a new chunk.
    private func reap(_ postgres: PostgresConnection) throws(PostgresError) {
        guard duties.isDue(.reaper, every: TimeTable.reaperInterval) else { return }
        let ended = try postgres.query(
            """
            SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
             WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
               AND application_name LIKE 'millrace/%' AND wait_event = 'ClientRead'
               AND xact_start < now() - $1::interval
            """, ["\(TimeTable.reaperAge / .seconds(1)) seconds"], deadline: .now + .seconds(5))
        if ended.count > 0 {
            worker.log.warning("ended sessions that did not go on", metadata: ["count": "\(ended.count)"])
        }
    }
}

/// When each duty was last done.
struct Duties {
    enum Duty: Hashable {
        case pauses, discovery, drain, mirror, merge, reaper, books, audit, trim
    }

    private var next: [Duty: ContinuousClock.Instant] = [:]

    /// Whether the duty is due; if so, the next time is set, a little jittered so that workers do not march in step.
    mutating func isDue(_ duty: Duty, every interval: Duration) -> Bool {
        let now = ContinuousClock.now
        if let due = next[duty], now < due { return false }
        next[duty] = now.advanced(by: interval * Double.random(in: 0.9...1.0))
        return true
    }

    mutating func repeatSoon(_ duty: Duty) {
        next[duty] = nil
    }
}
