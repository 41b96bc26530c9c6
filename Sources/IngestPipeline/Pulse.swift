import BlockingExecutor
import IngestCore
import Logging
import RedisStreams
import RedisWire

/// Tells the other workers which lanes of this one live, and keeps its name, once a second.
///
/// On a thread and a connection of its own, because whoever says nothing for five seconds is taken for dead, whatever
/// it is waiting for.
actor Pulse {
    private nonisolated let thread: BlockingThread
    private let worker: WorkerContext
    private let lease: SlotLease?
    private var redis: RedisConnection?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(worker: WorkerContext, lease: SlotLease?) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "pulse")
        self.worker = worker
        self.lease = lease
    }

    /// Goes on until the lanes have ended: what they still hold while they finish is theirs. Call it once.
    func run(until end: StopSignal) {
        while !end.isRequested {
            var pause = TimeTable.heartbeatInterval * Double.random(in: 0.9...1.0)
            do throws(RedisError) {
                try beat(connected())
            } catch {
                worker.log.debug("a heartbeat is late", metadata: ["reason": "\(error)"])
                redis = nil
                pause = .milliseconds(200)
            }
            end.pause(pause)
        }
    }

    private func connected() throws(RedisError) -> RedisConnection {
        if let redis { return redis }
        let new = try RedisConnection.connect(
            to: worker.settings.redis, name: "millrace/\(worker.identity)/pulse", timeout: TimeTable.heartbeatTimeout)
        new.commandTimeout = TimeTable.heartbeatTimeout
        redis = new
        return new
    }

    private func beat(_ redis: RedisConnection) throws(RedisError) {
        let group = worker.settings.group
        // A lane that hangs is not kept alive by its neighbours.
        let living = zip(worker.consumers, worker.status.all).filter { _, lane in
            lane.lastTurn.duration(to: .now) < TimeTable.claimAfter
        }.map(\.0)
        let now = try redis.heartbeat(living, group: group)
        let seen = try redis.heartbeats(group: group)
        let silent = Int(TimeTable.silentAfter / .milliseconds(1))
        worker.directory.setHeartbeats(
            .init(seen: seen, readAt: now),
            living: seen.filter { now - $0.value < silent }.map(\.key).sorted())
        // Names of long gone consumers would pile up: pods change their names.
        let forgotten = seen.filter { now - $0.value > 86_400_000 }.map(\.key)
        try redis.removeHeartbeats(of: forgotten, group: group)
        if let lease, try !lease.renew(on: redis) {
            worker.log.warning(
                "another worker of the same name took this one's slot; the ledger keeps that harmless",
                metadata: ["slot": "\(lease.number)"])
        }
    }

    /// When the lanes have ended: nobody waits for them any more, and the worker's name is free.
    func sayGoodbye() {
        let gone = zip(worker.consumers, worker.status.all).filter(\.1.hasHandedOver).map(\.0)
        do throws(RedisError) {
            let redis = try connected()
            try redis.removeHeartbeats(of: gone, group: worker.settings.group)
            try lease?.release(on: redis)
        } catch {
            worker.log.debug("stopped without saying goodbye", metadata: ["reason": "\(error)"])
        }
    }
}
