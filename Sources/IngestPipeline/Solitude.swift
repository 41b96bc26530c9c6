import Glibc

/// Lanes work side by side, and one alone when it tries an entry that a worker may have died of: whatever is in another
/// lane's hands then cannot be what this worker dies of.
///
/// Safety: `working` and `waiting` are touched only while `mutex` is held; `mutex` and `condition` are heap cells
/// (pthread objects may not move) that are touched only by pthread calls and freed in `deinit`.
final class Solitude: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Lanes inside; -1 for one that is alone.
    private var working = 0
    /// Lanes that want to be alone. Nobody else comes in before them.
    private var waiting = 0

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

    /// Runs a lane's turn. Waits at most for turns of other lanes, which have deadlines of their own.
    func run<Failure: Error>(alone: Bool, _ body: () throws(Failure) -> Void) throws(Failure) {
        enter(alone: alone)
        defer { leave() }
        try body()
    }

    private func enter(alone: Bool) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if alone {
            waiting += 1
            while working != 0 { pthread_cond_wait(condition, mutex) }
            waiting -= 1
            working = -1
        } else {
            while working < 0 || waiting > 0 { pthread_cond_wait(condition, mutex) }
            working += 1
        }
    }

    private func leave() {
        pthread_mutex_lock(mutex)
        working = working < 0 ? 0 : working - 1
        if working == 0 { pthread_cond_broadcast(condition) }
        pthread_mutex_unlock(mutex)
    }
}
