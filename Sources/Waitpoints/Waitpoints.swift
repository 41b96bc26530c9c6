import Glibc
import Synchronization

/// The switch of all waitpoints: faults on purpose, for tests alone.
///
/// `MILLRACE_FAULT` holds orders apart by commas:
///
/// - `<waitpoint>:<action>[@n]` does something the n-th time (1 when not given) that the process comes by. Actions: `kill`
///   (SIGKILL), `stop` (SIGSTOP), `term` (SIGTERM), `sleep=<milliseconds>` (from the n-th time on, each time).
/// - `crash-on=<text>` kills the process when it encodes an entry that has these bytes in a name or a value.
///
/// With `MILLRACE_FAULT_ONCE=<file>` only the process that can make this file carries out a kill, stop or term at a
/// waitpoint; one that is started again with the same environment goes on. `crash-on` is not once: a poison stays one.
/// What is carried out is announced on standard error first: `waitpoint after-commit: kill`.
///
/// Thread-safe. The environment is read once.
public final class Waitpoints: Sendable {
    public static let shared = Waitpoints(
        orders: environment("MILLRACE_FAULT") ?? "", onceFile: environment("MILLRACE_FAULT_ONCE"))
    /// Whether `MILLRACE_FAULT` asks for anything.
    public static let isOn = environment("MILLRACE_FAULT") != nil

    /// What is asked for, as it was written, for the log.
    public let description: String
    /// Parts that make no sense. A worker must not start with them: a test would prove nothing.
    public let misunderstood: [String]

    private let orders: [FaultOrder]
    private let poison: [UInt8]?
    private let onceFile: String?
    private let passed = Mutex<[Waitpoint: Int]>([:])

    init(orders text: String, onceFile: String?) {
        description = text
        self.onceFile = onceFile
        var orders: [FaultOrder] = []
        var poison: [UInt8]?
        var misunderstood: [String] = []
        for part in text.split(separator: ",") {
            if part.hasPrefix("crash-on="), part.count > 9 {
                poison = Array(part.dropFirst(9).utf8)
            } else if let order = FaultOrder(part) {
                orders.append(order)
            } else {
                misunderstood.append(String(part))
            }
        }
        (self.orders, self.poison, self.misunderstood) = (orders, poison, misunderstood)
    }

    /// Dies when an entry's bytes hold the poison of `crash-on=`.
    public func encode(_ bytes: [UInt8]) {
        guard let poison, bytes.holds(poison) else { return }
        say("waitpoint crash-on: kill")
        kill(getpid(), SIGKILL)
    }

    func reached(_ point: Waitpoint) {
        let time = passed.withLock { passed in
            passed[point, default: 0] += 1
            return passed[point, default: 0]
        }
        for order in orders where order.point == point {
            if order.action.repeats ? time >= order.time : time == order.time { carryOut(order) }
        }
    }

    private func carryOut(_ order: FaultOrder) {
        switch order.action {
        case .sleep(let milliseconds):
            if order.time == 1 || milliseconds >= 1_000 { say("waitpoint \(order.point.rawValue): sleep") }
            usleep(milliseconds * 1_000)
        case .kill: signal(SIGKILL, "kill", order)
        case .stop: signal(SIGSTOP, "stop", order)
        case .terminate: signal(SIGTERM, "term", order)
        }
    }

    private func signal(_ number: Int32, _ name: String, _ order: FaultOrder) {
        if let onceFile {
            let file = open(onceFile, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
            guard file >= 0 else { return }
            close(file)
        }
        say("waitpoint \(order.point.rawValue): \(name)")
        // A signal to the process reaches some thread; this one would go on until then, past its place. SIGTERM is for
        // whoever handles it.
        if number == SIGTERM { kill(getpid(), number) } else { raise(number) }
    }

    /// Not through the logger: the process may be gone before a logger has written anything.
    private func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }
}

extension [UInt8] {
    fileprivate func holds(_ needle: [UInt8]) -> Bool {
        guard needle.count <= count else { return false }
        return (0...(count - needle.count)).contains { start in
            needle.indices.allSatisfy { self[start + $0] == needle[$0] }
        }
    }
}
