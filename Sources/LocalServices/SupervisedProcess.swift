import Foundation
import Glibc

/// A server under `supervise.sh`: it runs until it is told to stop, ends by itself, or we are gone.
///
/// Dropping the last reference closes the pipe too, so a forgotten server stops.
final class SupervisedProcess: Sendable {
    /// The server's own process id (not the supervising shell's).
    let pid: pid_t
    private let owner: Descriptor
    private let exit: ExitSignal

    struct Plan: Sendable {
        /// Locked while any process of the server lives. The log is `<folder>/log`.
        var folder: String
        var command: [String]
        /// What the server gets when we are gone, as `kill -s` names it.
        var orphanSignal: String
        /// Whether `folder` is removed when we are gone.
        var isThrowAway: Bool
        /// How long an earlier server may still hold `folder`, and how long this one may take to end when we are gone.
        var patienceSeconds = 10
    }

    /// Starts the supervising shell and waits until it reports the server's process id.
    ///
    /// Throws a `ServiceError` when another server keeps the folder for longer than `patienceSeconds`.
    static func start(_ plan: Plan) async throws -> SupervisedProcess {
        let (shell, owner, report) = try startShell(plan)
        let line = await firstLine(of: report)
        guard let pid = pid_t(line) else {
            throw ServiceError("\(plan.command.first ?? "server") did not start: \(logTail(plan.folder))")
        }
        return SupervisedProcess(pid: pid, owner: owner, exit: shell.exit)
    }

    private init(pid: pid_t, owner: Descriptor, exit: ExitSignal) {
        self.pid = pid
        self.owner = owner
        self.exit = exit
    }

    var hasExited: Bool { exit.status != nil }

    /// Does nothing once the server has ended: its process id may be someone else's by then.
    func send(_ signal: Int32) {
        guard !hasExited else { return }
        _ = Glibc.kill(pid, signal)
    }

    /// Waits for the end, and after `patience` no longer asks.
    func waitForExit(killingAfter patience: Duration) async {
        await withTaskGroup { group in
            group.addTask {
                // Cancelled means that the server has ended in time.
                guard (try? await Task.sleep(for: patience)) != nil else { return }
                self.send(SIGKILL)
            }
            _ = await exit.wait()
            group.cancelAll()
        }
    }

    static func logTail(_ folder: String) -> String {
        let data = FileManager.default.contents(atPath: folder + "/log") ?? Data()
        return ChildCommand.lastLines(of: String(decoding: data, as: UTF8.self))
    }

    /// Of both pipes only our end is left open: the report ends with the shell, the shell's input with us.
    private static func startShell(_ plan: Plan) throws -> (shell: Child, owner: Descriptor, report: Descriptor) {
        let owner = try Descriptor.pipe()
        let report = try Descriptor.pipe()
        let shell = try Child.start(
            ["sh", "-c", Scripts.supervise, "supervise", plan.folder, "\(plan.patienceSeconds)", plan.orphanSignal]
                + [plan.isThrowAway ? "remove" : "keep"] + plan.command,
            input: owner.read, output: report.write, errors: try log(plan.folder))
        return (shell, owner.write, report.read)
    }

    private static func log(_ folder: String) throws -> Descriptor {
        let path = folder + "/log"
        return try Descriptor(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644), for: path)
    }

    private static func firstLine(of descriptor: Descriptor) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: descriptor.firstLine()) }
        }
    }
}
