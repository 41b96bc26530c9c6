import Glibc
import UnixSignals

/// The signals that ask a worker to finish what it has in hand and to end.
enum EndingSignals {
    /// SIGHUP is a terminal that was closed. Where it is ignored already, `nohup` says that the worker is to outlive that.
    static var all: [UnixSignal] {
        var hangUp = sigaction()
        sigaction(SIGHUP, nil, &hangUp)
        let handler = unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self)
        let isIgnored = handler == unsafeBitCast(SIG_IGN, to: Int.self)
        return isIgnored ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
    }
}
