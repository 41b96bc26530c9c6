import Foundation
import Glibc

/// A server under `supervise.sh`: it runs until it is told to stop, ends by itself, or we are gone.
///
/// Dropping the last reference closes the pipe too, so a forgotten server stops.
final class SupervisedProcess: Sendable {
    /// The server's own process id (not the supervising shell's).
    let pid: pid_t
    private let owner: Pipe
    private let exit: ExitSignal

    struct Plan: Sendable {
        /// Locked while any process of the server lives. The log is `<folder>/log`.
        var folder: String
        var command: [String]
        /// What the server gets when we are gone, as `kill -s` names it.
        var orphanSignal: String
        /// Whether `folder` is removed when we are gone.
        var isThrowAway: Bool
    }

    /// Starts the supervising shell and waits until it reports the server's process id.
    ///
    /// Throws a `ServiceError` when another server uses the folder for longer than ten seconds.
    static func start(_ plan: Plan) async throws -> SupervisedProcess {
        let process = ChildCommand.makeProcess(
            ["sh", "-c", Scripts.supervise, "supervise", plan.folder, plan.orphanSignal, "10"]
                + [plan.isThrowAway ? "remove" : "keep"] + plan.command)
        let owner = Pipe()
        let report = Pipe()
        // Nobody else we start may hold the write end open: the server would outlive us.
        _ = fcntl(owner.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        process.standardInput = owner
        process.standardOutput = report
        process.standardError = try logHandle(plan.folder)
        let exit = ExitSignal()
        process.terminationHandler = { exit.fire(status: $0.terminationStatus) }
        try process.run()
        let line = await firstLine(of: report.fileHandleForReading)
        guard let pid = pid_t(line) else {
            throw ServiceError("\(plan.command.first ?? "server") did not start: \(logTail(plan.folder))")
        }
        return SupervisedProcess(pid: pid, owner: owner, exit: exit)
    }

    private init(pid: pid_t, owner: Pipe, exit: ExitSignal) {
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
        let killer = Task {
            try await Task.sleep(for: patience)
            self.send(SIGKILL)
        }
        _ = await exit.wait()
        killer.cancel()
    }

    static func logTail(_ folder: String) -> String {
        let data = FileManager.default.contents(atPath: folder + "/log") ?? Data()
        return ChildCommand.lastLines(of: String(decoding: data, as: UTF8.self))
    }

    private static func logHandle(_ folder: String) throws -> FileHandle {
        let path = folder + "/log"
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        guard let handle = FileHandle(forWritingAtPath: path) else { throw ServiceError("cannot write \(path)") }
        try handle.seekToEnd()
        return handle
    }

    private static func firstLine(of handle: FileHandle) async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var bytes = Data()
                while !bytes.contains(UInt8(ascii: "\n")) {
                    let more = handle.availableData
                    if more.isEmpty { break }
                    bytes += more
                }
                let text = String(decoding: bytes, as: UTF8.self)
                continuation.resume(returning: text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
    }
}
