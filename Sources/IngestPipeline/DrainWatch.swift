import IngestCore
import Records
import RedisStreams
import RedisWire
import Synchronization

/// Watches for the end of `run --drain`: every stream read, committed and acknowledged.
struct DrainWatch {
    /// What the drain came to, for whoever waits for the worker.
    final class Outcome: Sendable {
        private let value = Mutex<DrainDecision.Action?>(nil)

        init() {}

        var action: DrainDecision.Action? { value.withLock(\.self) }

        fileprivate func set(_ action: DrainDecision.Action) { value.withLock { $0 = action } }
    }

    let outcome: Outcome
    private var decision: DrainDecision
    private let began = ContinuousClock.now
    private var lastReading: ContinuousClock.Instant?
    private var scans = 0
    private(set) var needsScan = true

    init(outcome: Outcome, timeout: Duration?) {
        self.outcome = outcome
        decision = DrainDecision(scans: 0, deadline: timeout)
    }

    /// A SCAN over the whole keyspace was completed.
    mutating func scanned() {
        scans += 1
        needsScan = false
    }

    /// - Returns: the end, once there is one.
    mutating func look(_ redis: RedisConnection, _ worker: WorkerContext) throws(RedisError) -> DrainDecision.Action? {
        let isSettled = worker.status.all.allSatisfy { $0.isSettled && $0.isConnected }
        // Lanes that are at work cannot be done: the server is asked then only to notice the time-out in time.
        if !isSettled, let lastReading, lastReading.duration(to: .now) < .seconds(1) { return nil }
        lastReading = .now
        let keys = worker.directory.all
        let leftOut = worker.directory.leftOut.map(\.stream)
        var streams: [DrainDecision.Stream] = (worker.directory.blocked + leftOut).map { key in
            .init(key: key, lastEntry: .max, lastDelivered: .min, pending: 0, isBlocked: true)
        }
        let broken = Set(worker.tables.held.filter(\.hold.needsPerson).map(\.table))
        let paused = worker.directory.paused
        for (key, identity) in try redis.identities(of: keys, group: worker.settings.group) {
            guard let facts = identity.stream else { continue }
            streams.append(
                .init(
                    key: key, lastEntry: facts.length == 0 ? nil : facts.lastEntryID ?? facts.lastGeneratedID,
                    lastDelivered: identity.group?.lastDeliveredID ?? .min, pending: identity.group?.pending ?? 0,
                    isBlocked: paused.contains(key) || worker.writes(key, to: broken)))
        }
        let reading = DrainDecision.Reading(
            at: began.duration(to: .now), streams: streams, isSettled: isSettled, scans: scans)
        let action = decision.read(reading)
        return action == .wait ? nil : action
    }

    func finish(_ action: DrainDecision.Action) { outcome.set(action) }
}
