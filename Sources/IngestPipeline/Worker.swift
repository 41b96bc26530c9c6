import BlockingExecutor
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
public import Records
import RedisStreams
import RedisWire

/// One worker process: its lanes and its housekeeper.
///
/// ``prepare(_:log:wait:)`` checks everything that can be wrong before the first entry is read; ``run(draining:)`` then
/// goes on until ``stop()`` is called, whatever becomes of the servers.
public final class Worker: Sendable {
    let context: WorkerContext
    private let lease: SlotLease?

    init(context: WorkerContext, lease: SlotLease?) {
        self.context = context
        self.lease = lease
    }

    /// How a drain ended.
    public enum DrainEnd: Equatable, Sendable {
        case done
        /// These streams were not drained in time; none when only this process had work left.
        case timedOut([StreamKey])
        /// This stream cannot be drained.
        case blocked(StreamKey, Obstacle)
    }

    /// What keeps a stream from being drained.
    public enum Obstacle: Equatable, Sendable {
        /// The key holds something else.
        case notStream
        /// Somebody paused it.
        case paused
        /// It must not be ingested as things are.
        case leftOut(reason: String)
        /// Its table takes no rows, and a person has to mend that.
        case table
    }

    /// How a run ended, and what it did.
    public struct RunEnd: Equatable, Sendable {
        /// How the drain ended; `nil` when none was asked for or it was stopped before.
        public var drain: DrainEnd?
        public var summary: RunSummary
    }

    /// What to wait for.
    public struct Drain: Sendable {
        /// `nil` waits for ever.
        public var timeout: Duration?

        public init(timeout: Duration? = nil) {
            self.timeout = timeout
        }
    }

    /// Whether a lane carries entries, and if not, why.
    public struct LaneHealth: Sendable {
        public let isConnected: Bool
        public let failure: String?
    }

    public var lanes: [LaneHealth] {
        context.status.all.map { LaneHealth(isConnected: $0.isConnected, failure: $0.failure) }
    }

    /// Tables that take no rows for now, and why: the server's words, without content of records.
    public var heldTables: [(table: String, reason: String)] {
        context.tables.held.map { ($0.table, $0.reason) }
    }

    /// Streams that are not ingested as things are, and why.
    public var streamsLeftOut: [(stream: StreamKey, reason: String)] { context.directory.leftOut }

    /// Asks every thread to finish: batches under way are completed, the rest is handed back.
    public func stop() { context.stop.request() }

    /// Carries entries until ``stop()``, or until everything is drained. Call it once.
    /// - Throws: when the system has no thread to give.
    public func run(draining drain: Drain? = nil) async throws -> RunEnd {
        let outcome = DrainWatch.Outcome()
        let watch = drain.map { DrainWatch(outcome: outcome, timeout: $0.timeout) }
        let pulse = try Pulse(worker: context, lease: lease)
        let housekeeper = try Housekeeper(worker: context, drain: watch)
        let caretaker = try Caretaker(worker: context)
        let retries = try RetryLane(worker: context)
        let lanes = try (0..<context.settings.lanes).map { try Lane(worker: context, number: $0) }
        let hasEnded = StopSignal()
        async let beating: Void = pulse.run(until: hasEnded)
        await withTaskGroup { group in
            group.addTask { await housekeeper.run() }
            group.addTask { await caretaker.run() }
            group.addTask { await retries.run() }
            for lane in lanes { group.addTask { await lane.run() } }
        }
        hasEnded.request()
        await beating
        await pulse.sayGoodbye()
        return RunEnd(drain: end(of: outcome), summary: await housekeeper.summarize())
    }

    private func end(of outcome: DrainWatch.Outcome) -> DrainEnd? {
        switch outcome.action {
        case .finish: return .done
        case .giveUp(.blocked(let key)): return .blocked(key, obstacle(of: key))
        case .giveUp(.timeout(let keys)): return .timedOut(keys)
        case .wait, nil: return nil
        }
    }

    private func obstacle(of key: StreamKey) -> Obstacle {
        if context.directory.blocked.contains(key) { return .notStream }
        if let left = context.directory.leftOut.first(where: { $0.stream == key }) {
            return .leftOut(reason: left.reason)
        }
        return context.directory.paused.contains(key) ? .paused : .table
    }
}
