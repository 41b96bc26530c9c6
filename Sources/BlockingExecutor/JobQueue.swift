import Glibc

/// The jobs waiting for one thread.
///
/// Safety: `jobs`, `isClosed` and `isWaiting` are touched only while `mutex` is held; `mutex` and `condition` are heap
/// cells (pthread objects may not move) that are touched only by pthread calls and freed in `deinit`.
final class JobQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var isClosed = false
    private var isWaiting = false

    init() {
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition.initialize(to: pthread_cond_t())
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Queues a job; wakes the thread only when it sleeps, and after the lock is free again.
    func push(_ job: UnownedJob) {
        pthread_mutex_lock(mutex)
        // The executor closes its queue in its deinit, and whoever enqueues holds the executor.
        precondition(!isClosed, "a job came after the executor was gone")
        jobs.append(job)
        let mustWake = isWaiting
        pthread_mutex_unlock(mutex)
        if mustWake { pthread_cond_signal(condition) }
    }

    /// Lets the thread end once everything queued has run.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    /// Waits for jobs and takes all of them, in order; `false` when closed and empty.
    func take(into batch: inout [UnownedJob]) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while jobs.isEmpty {
            if isClosed { return false }
            isWaiting = true
            pthread_cond_wait(condition, mutex)
            isWaiting = false
        }
        swap(&jobs, &batch)
        return true
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
