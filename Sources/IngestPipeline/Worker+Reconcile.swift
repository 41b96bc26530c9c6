import BlockingExecutor
import IngestCore
import Logging
public import Records
import RedisStreams
import RedisWire

extension Worker {
    /// Refills a database that was restored, or taken over by a server that had not received everything, from what the
    /// streams still hold. Until this has run, workers acknowledge nothing and read nothing new.
    ///
    /// Workers may run meanwhile. Call it on a worker that was prepared and is not running.
    /// - Parameters:
    ///   - age: older entries are left out, by the clock of Redis. Default all.
    ///   - progress: called after each thousand entries of a stream with what they came to; `false` ends it.
    /// - Throws: ``RefillError``, and what a server's failure throws. What was refilled until then stays, workers go on
    ///   waiting, and it can be called again.
    public func reconcile(
        upTo age: Duration? = nil, progress: @Sendable (StreamKey, RefillCount) -> Bool
    ) async throws -> RefillCount {
        try await Reconciliation(worker: context).run(upTo: age, progress: progress)
    }
}

/// One lane that goes over every stream once.
private actor Reconciliation {
    private nonisolated let thread: BlockingThread
    private let worker: WorkerContext

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(worker: WorkerContext) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "reconcile")
        self.worker = worker
    }

    func run(upTo age: Duration?, progress: @Sendable (StreamKey, RefillCount) -> Bool) throws -> RefillCount {
        let pipeline = Pipeline(worker: worker, number: 0, consumer: worker.consumer(lane: 0))
        pipeline.trustsDestination = true
        try pipeline.connect()
        let redis = try RedisConnection.connect(to: worker.settings.redis, name: "millrace/reconcile")
        let streams = try StreamDiscovery.find(worker.routes.keys, on: redis)
        worker.directory.add(
            streams.compactMap { stream in worker.routes.route(of: stream).map { (stream, $0) } })
        let first = try age.map { age throws(RedisError) in
            let milliseconds = try redis.serverMilliseconds() - Int(age / .milliseconds(1))
            return StreamID(milliseconds: UInt64(max(0, milliseconds)), sequence: 0)
        }
        var total = RefillCount()
        for stream in worker.directory.all {
            try pipeline.refill(stream, since: first ?? .min) { count in
                total += count
                return progress(stream, count)
            }
        }
        // Only now: an entry that is left out here is lost to the database for good.
        try pipeline.acceptDestination()
        return total
    }
}
