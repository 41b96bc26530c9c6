import Glibc

/// The jobs waiting for one thread.
final class JobQueue: Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        var isClosed = false
        /// The thread sleeps.
        var isWaiting = false
    }

    private let state = Monitor(State())

    /// Queues a job; wakes the thread only when it sleeps, and after the lock is free again.
    func push(_ job: UnownedJob) {
        let mustWake = state.withLock { state in
            // The executor closes its queue in its deinit, and whoever enqueues holds the executor.
            precondition(!state.isClosed, "a job came after the executor was gone")
            state.jobs.append(job)
            return state.isWaiting
        }
        if mustWake { state.wakeOne() }
    }

    /// Lets the thread end once everything queued has run.
    func close() {
        state.withLock { $0.isClosed = true }
        state.wakeOne()
    }

    /// Waits for jobs and takes all of them, in order; `false` when closed and empty.
    func take(into batch: inout [UnownedJob]) -> Bool {
        state.wait { state in
            state.isWaiting = state.jobs.isEmpty
            guard state.isWaiting else {
                swap(&state.jobs, &batch)
                return true
            }
            return state.isClosed ? false : nil
        }
    }
}

/// Which queue the calling thread serves: the thread's identity.
///
/// Not `pthread_self()`: glibc declares it `const`, so the optimiser may reuse its value from before an `await`, and a
/// check of isolation would then lie in release builds.
enum ServedQueue {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    static func mark(_ queue: JobQueue) {
        pthread_setspecific(key, Unmanaged.passUnretained(queue).toOpaque())
    }

    static func isServing(_ queue: JobQueue) -> Bool {
        pthread_getspecific(key) == UnsafeMutableRawPointer(Unmanaged.passUnretained(queue).toOpaque())
    }
}
