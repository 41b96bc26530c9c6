import Glibc

/// How the command ends, for scripts.
enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let wrongUse: Int32 = 2
    /// A check did its work and found something.
    static let found: Int32 = 3
    /// `EX_CONFIG` of sysexits.
    static let badConfiguration: Int32 = 78
}

/// Why a command could not do what it was asked: one sentence for people, and what to do about it.
struct CommandFailure: Error {
    var status: Int32 = ExitStatus.failed
    /// Names the thing that failed. It is made harmless for a terminal when printed.
    var message: String
    var fix: String?

    init(_ message: String, fix: String? = nil, status: Int32 = ExitStatus.failed) {
        self.message = message
        self.fix = fix
        self.status = status
    }
}

extension Millrace {
    /// Ends the process at once: threads may still be inside a library whose exit handlers would free what they use.
    static func exit(withStatus status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }
}
