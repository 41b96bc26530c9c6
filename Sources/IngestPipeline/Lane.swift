import BlockingExecutor
import IngestCore
import Logging
import PostgresWire

/// A lane: a thread of its own and the ``Pipeline`` that runs on it until the worker stops.
actor Lane {
    private nonisolated let thread: BlockingThread
    private let worker: WorkerContext
    private let number: Int

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(worker: WorkerContext, number: Int) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "lane-\(number)")
        self.worker = worker
        self.number = number
    }

    /// Runs to the end of the worker. Call it once.
    func run() {
        let pipeline = Pipeline(worker: worker, number: number, consumer: worker.consumer(lane: number))
        var log = worker.log
        log[metadataKey: "lane"] = "\(number)"
        var backoff = Backoff()
        var lastFailure = ContinuousClock.now
        while !worker.stop.isRequested {
            do throws(LaneFailure) {
                try pipeline.turn()
                // A turn may have come to nothing: a lane that starts over begins with several of those.
                if pipeline.takeProgress() || lastFailure.duration(to: worker.now) > backoff.cap { backoff.succeeded() }
                pipeline.report(failure: nil)
            } catch {
                log.log(level: error.logLevel, "the lane starts over", metadata: ["reason": "\(error)"])
                pipeline.startOver(after: error)
                pipeline.report(failure: error)
                let (base, cap) = error.backoff
                if backoff.base != base { backoff = Backoff(base: base, cap: cap) }
                pipeline.wait(backoff.failed(jitter: Double.random(in: 0...1)))
                lastFailure = worker.now
            }
        }
        pipeline.shutDown()
    }
}

extension LaneFailure {
    /// What passes by itself is a warning; what wants a person is an error.
    var logLevel: Logger.Level {
        switch self {
        case .redis, .inDoubt, .sourceReplaced: .warning
        case .postgres(_, .pause(let pause)): pause.alerts ? .error : .warning
        case .postgres(_, .retry): .warning
        case .postgres, .destinationWentBack, .committedShort, .miscounted, .refused, .mapping: .error
        }
    }
}
