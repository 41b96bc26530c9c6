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
    ///   - since: entries with lower ids are left out.
    ///   - progress: called after each stream.
    /// - Throws: when a server fails; what was refilled until then stays, and it can be called again.
    public func reconcile(
        since: StreamID = .min, progress: @Sendable (StreamKey, RefillCount) -> Void
    ) async throws -> RefillCount {
        try await Reconciliation(worker: context).run(since: since, progress: progress)
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

    func run(since: StreamID, progress: @Sendable (StreamKey, RefillCount) -> Void) throws -> RefillCount {
        let pipeline = Pipeline(worker: worker, number: 0, consumer: worker.consumer(lane: 0))
        pipeline.trustsDestination = true
        try pipeline.connect()
        let redis = try RedisConnection.connect(to: worker.settings.redis, name: "millrace/reconcile")
        let streams = try StreamDiscovery.find(worker.routes.keys, on: redis)
        worker.directory.add(
            streams.compactMap { stream in worker.routes.route(of: stream).map { (stream, $0) } })
        var total = RefillCount()
        for stream in worker.directory.all {
            let count = try pipeline.refill(stream, since: since)
            try pipeline.flushAcknowledgements()
            total.entries += count.entries
            total.restored += count.restored
            progress(stream, count)
        }
        try pipeline.acceptDestination()
        return total
    }
}
