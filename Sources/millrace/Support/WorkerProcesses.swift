import BlockingExecutor
import Foundation
import Glibc
import Synchronization

/// Workers to be killed: `millrace run` of this very program, as processes.
///
/// They are started by one thread that lives as long as this actor does, and the kernel kills them when it ends: none
/// outlives the command, however that ends.
actor WorkerProcesses {
    private nonisolated let thread: BlockingThread
    private let name: String
    private let environment: [String: String]
    /// Logs and configuration.
    nonisolated let folder: URL
    private var started: [WorkerProcess] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - name: begins the workers' names.
    ///   - configuration: of all of them, as YAML; nothing of the caller's own is used.
    ///   - environment: addresses and passwords of the servers.
    init(name: String, configuration: String, environment given: [String: String], folder: URL) throws {
        thread = try BlockingThread(name: "workers")
        self.name = name
        self.folder = folder
        let file = folder.appending(path: "millrace.yaml")
        try Data(configuration.utf8).write(to: file)
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MILLRACE_") }
        variables.merge(given) { $1 }
        variables["MILLRACE_CONFIG"] = file.path
        environment = variables
    }

    /// Starts one more worker.
    func start(_ options: [String] = []) throws -> WorkerProcess {
        let name = "\(self.name)-\(started.count + 1)"
        let log = folder.appending(path: "\(name).log")
        try Data().write(to: log)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.arguments = ["setpriv", "--pdeathsig", "KILL", program, "run", "-s", "worker=\(name)"] + options
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        let worker = WorkerProcess(name: name, process: process, log: log)
        started.append(worker)
        return worker
    }

    /// Asks every worker that still runs to finish, and waits for it.
    func stopAll(limit: Duration) async throws {
        let running = started.filter { $0.isRunning && !$0.wasKilled }
        for worker in running { worker.send(SIGTERM) }
        for worker in running where try await worker.wait(limit: limit) != 0 && !worker.endedBeforeItBegan {
            throw CommandFailure("worker \(worker.name) did not end well: \(worker.lastWords)")
        }
    }

    /// Kills every worker that still runs, and waits until it is gone.
    func killAll() async throws {
        for worker in started { worker.send(SIGKILL) }
        for worker in started { _ = try await worker.wait(limit: .seconds(10)) }
    }
}

/// One worker process.
final class WorkerProcess: Sendable {
    let name: String
    let pid: pid_t
    let log: URL
    private let process: RunningProcess
    private let killed = Atomic<Bool>(false)

    fileprivate init(name: String, process: Process, log: URL) {
        self.name = name
        self.log = log
        pid = process.processIdentifier
        self.process = RunningProcess(value: process)
    }

    var isRunning: Bool { process.value.isRunning }

    /// It was killed on purpose, and may not have noticed yet.
    var wasKilled: Bool { killed.load(ordering: .acquiring) }

    func send(_ signal: Int32) {
        if signal == SIGKILL { killed.store(true, ordering: .releasing) }
        if isRunning { Glibc.kill(pid, signal) }
    }

    /// Waits for the end; after `limit` it is killed.
    /// - Returns: the exit status, or the signal that ended it.
    func wait(limit: Duration) async throws -> Int32 {
        let end = ContinuousClock.now + limit
        while isRunning {
            if ContinuousClock.now > end { send(SIGKILL) }
            try await Task.sleep(for: .milliseconds(10))
        }
        return process.value.terminationStatus
    }

    /// It was asked to finish before it listened for that, and had nothing in hand yet.
    var endedBeforeItBegan: Bool {
        process.value.terminationReason == .uncaughtSignal && process.value.terminationStatus == SIGTERM
    }

    /// The last lines of its log.
    var lastWords: String {
        let text = (try? Data(contentsOf: log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").suffix(3).joined(separator: "\n")
    }
}

/// Safety: `Process` is used here only through calls that Foundation documents as safe from any thread once it runs.
private struct RunningProcess: @unchecked Sendable {
    let value: Process
}
