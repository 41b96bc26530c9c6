import Glibc
import Synchronization

/// Ctrl-C and SIGTERM end long work after the entry in hand; a second one ends the process.
enum Interruption {
    private static let flag = Atomic<Bool>(false)

    static func watch() {
        // Whoever started us may have blocked them: threads of a dispatch pool do, and a child inherits that.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        var action = sigaction()
        // Only an atomic store: what a signal handler may do.
        action.__sigaction_handler.sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
    }

    static var isAsked: Bool { flag.load(ordering: .relaxed) }
}
