import CoreMetrics
import Glibc
import IngestCore
import Logging
import PostgresCopy
import RecordCodec
import Records
import RedisStreams
import RedisWire
import Synchronization

/// What the lanes and the housekeeper of one process share. Thread-safe.
final class WorkerContext: Sendable {
    let settings: PipelineSettings
    let routes: Routes
    /// The mappings, compiled and checked against the database, and the tables that take no rows for now.
    let tables: TableBoard
    let directory = StreamDirectory()
    let solitude = Solitude()
    let stop: StopSignal
    let log: Logger
    let metrics: PipelineMetrics
    let status: WorkerStatus
    /// `<worker>.<slot>`: the beginning of every consumer name of this process.
    let identity: String

    init(
        settings: PipelineSettings, mappings: [CheckedMapping], identity: String, stop: StopSignal, log: Logger,
        metrics: PipelineMetrics
    ) {
        self.settings = settings
        tables = TableBoard(mappings)
        self.identity = identity
        self.stop = stop
        self.log = log
        self.metrics = metrics
        routes = Routes(settings.mappings)
        status = WorkerStatus(lanes: settings.lanes)
    }

    var now: ContinuousClock.Instant { ContinuousClock.now }

    /// The wall clock, in microseconds since 1970: for time windows and latencies, never for waiting.
    var microseconds: Int64 { Self.microsecondsNow }

    static var microsecondsNow: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Whether a stream's entries go to one of these tables.
    func writes(_ stream: StreamKey, to tables: Set<String>) -> Bool {
        guard !tables.isEmpty, let route = directory.route(of: stream) else { return false }
        return !routes.tables(of: route).isDisjoint(with: tables)
    }

    /// Takes up which streams somebody paused or resumed.
    func readPauses(_ redis: RedisConnection) throws(RedisError) {
        let paused = try redis.pausedStreams(group: settings.group)
        metrics.paused.record(paused.count)
        let before = directory.paused
        let streams = Set(paused.keys)
        guard streams != before else { return }
        directory.setPaused(streams)
        for stream in streams.subtracting(before).sorted() {
            log.notice(
                "a stream is paused", metadata: ["stream": "\(stream)", "by": "\(paused[stream]?.by ?? "")"])
        }
        for stream in before.subtracting(streams).sorted() {
            log.notice("a stream is resumed", metadata: ["stream": "\(stream)"])
        }
    }

    func consumer(lane: Int) -> String { "\(identity).\(lane)" }

    /// Lanes of this process, for rendezvous and heartbeats.
    var consumers: [String] { (0..<settings.lanes).map(consumer(lane:)) }
}

/// A mapping that fits its table: how entries are encoded for it and how rows are written to it.
struct CheckedMapping: Sendable {
    let plan: RowPlan
    let target: CopyTarget
}

/// What each lane is doing, for `/readyz`, heartbeats and the drain check.
final class WorkerStatus: Sendable {
    struct Lane: Sendable {
        /// Both connections stand.
        var isConnected = false
        /// What ended the last step, until one succeeds again.
        var failure: String?
        /// Nothing in flight, nothing to acknowledge, nothing claimed and unread.
        var isSettled = true
        /// The lane has ended, and nothing is pending for its consumer any more.
        var hasHandedOver = false
        /// When the lane last came round its loop; a lane that hangs stops its own heartbeat.
        var lastTurn = ContinuousClock.now
    }

    private let lanes: Mutex<[Lane]>

    init(lanes: Int) {
        self.lanes = Mutex(Array(repeating: Lane(), count: lanes))
    }

    var all: [Lane] { lanes.withLock(\.self) }

    func update(_ lane: Int, _ change: (inout Lane) -> Void) {
        lanes.withLock { change(&$0[lane]) }
    }
}
