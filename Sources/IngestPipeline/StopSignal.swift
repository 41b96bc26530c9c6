import Glibc
import Synchronization

/// Asks the threads of a worker to finish. They look at it between steps.
public final class StopSignal: Sendable {
    private let requested = Atomic<Bool>(false)

    public init() {}

    /// Asks; it cannot be taken back.
    public func request() { requested.store(true, ordering: .releasing) }

    public var isRequested: Bool { requested.load(ordering: .acquiring) }

    /// Holds the calling thread for `duration`, or until somebody asks to stop. For threads that may block only.
    func pause(_ duration: Duration) {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: duration)
        while !isRequested {
            let rest = clock.now.duration(to: end)
            guard rest > .zero else { return }
            let slice = min(rest, .milliseconds(20))
            usleep(UInt32(max(1, slice / .microseconds(1))))
        }
    }
}
