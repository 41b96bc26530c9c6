import Glibc

/// State that threads share, and whose changes they wait for: a mutex with a condition, which `Mutex` lacks.
///
/// For threads that may block; no `await` inside. (C. A. R. Hoare, "Monitors", 1974, with the weaker signal of POSIX:
/// whoever wakes looks again.)
///
/// Safety: `state` is touched only while `mutex` is held; `mutex` and `condition` are heap cells (pthread objects may not
/// move) that are touched only by pthread calls and freed in `deinit`.
public final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    public init(_ state: State) {
        self.state = state
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

    /// Looks at the state or changes it. Whoever waits for the change is woken by ``wakeOne()`` or ``wakeAll()``,
    /// best called after this, when the lock is free again.
    public func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Holds the calling thread until `body` returns something; it is asked again whenever the thread is woken.
    public func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// Wakes one of the threads that wait.
    public func wakeOne() { pthread_cond_signal(condition) }

    /// Wakes every thread that waits.
    public func wakeAll() { pthread_cond_broadcast(condition) }
}
