import CPlatform
import Foundation
import Glibc

/// A child process: started, and waited for by a thread of its own.
///
/// Not Foundation's `Process`: that one notices the end of a child only when all the child's descendants have ended too,
/// lets children inherit ignored signals, and keeps what it was given open.
struct Child: Sendable {
    let pid: pid_t
    let exit: ExitSignal

    /// Starts `command` in a process group of its own (Ctrl-C is for us, we stop our children in order), with all signals
    /// at their defaults, in the folder `/` (the user a server drops to may not be allowed to see ours), and with no
    /// descriptors but these three. Throws a `ServiceError` when the program cannot be started.
    static func start(
        _ command: [String], input: Descriptor, output: Descriptor, errors: Descriptor
    ) throws -> Child {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, file) in [input, output, errors].enumerated() {
            posix_spawn_file_actions_adddup2(&actions, file.raw, Int32(number))
        }
        _ = millrace_spawn_isolated(&actions)
        var attributes = makeAttributes()
        defer { posix_spawnattr_destroy(&attributes) }

        var pid: pid_t = 0
        let status = withCStrings(command) { words in
            withCStrings(environment()) { posix_spawnp(&pid, command[0], &actions, &attributes, words, $0) }
        }
        guard status == 0 else {
            throw ServiceError("cannot start \(command[0]): \(String(cString: strerror(status)))")
        }
        return Child(pid: pid, exit: watch(pid))
    }

    private static func makeAttributes() -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
        return attributes
    }

    /// A `PGPORT` or `PGOPTIONS` of ours must not reach a private server. `/usr/sbin` is where `chroot` lives.
    private static func environment() -> [String] {
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        variables["PATH"] = (variables["PATH"] ?? "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
        variables["LC_ALL"] = "C.UTF-8"
        return variables.map { "\($0.key)=\($0.value)" }
    }

    private static func watch(_ pid: pid_t) -> ExitSignal {
        let exit = ExitSignal()
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7f
            exit.fire(status: signal == 0 ? (status >> 8) & 0xff : 128 + signal)
        }
        return exit
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
