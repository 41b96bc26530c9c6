import Foundation
import Glibc
import Testing

/// The built `millrace` command as a process of its own, the way an operator runs it.
final class MillraceProcess: Sendable {
    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    struct NotBuilt: Error, CustomStringConvertible {
        let path: String
        var description: String { "the command is not built: no file at \(path)" }
    }

    /// The command lies beside the test runner in the build folder.
    static func executable() throws -> URL {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var folder = URL(filePath: runner).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "millrace")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        throw NotBuilt(path: runner)
    }

    let pid: pid_t
    private let process: Mutexed<Process>
    private let outputFile: URL
    private let errorFile: URL

    /// Starts `millrace` with these arguments. Output goes to files, so that a full pipe can never stop it.
    init(_ arguments: [String], environment: [String: String] = [:], input: URL? = nil) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-process-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        outputFile = folder.appending(path: "out")
        errorFile = folder.appending(path: "err")
        for file in [outputFile, errorFile] { FileManager.default.createFile(atPath: file.path, contents: nil) }
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        try process.run()
        pid = process.processIdentifier
        self.process = Mutexed(process)
    }

    deinit {
        if process.value.isRunning { Glibc.kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(at: outputFile.deletingLastPathComponent())
    }

    var isRunning: Bool { process.value.isRunning }

    func send(_ signal: Int32) { Glibc.kill(pid, signal) }

    /// Waits for the end; kills the process and records an issue when it takes longer than `limit`.
    @discardableResult
    func wait(limit: Duration = .seconds(120)) async throws -> Result {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: limit)
        while isRunning {
            if clock.now > end {
                Issue.record("millrace \(pid) did not end within \(limit): \(tail())")
                send(SIGKILL)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return Result(status: process.value.terminationStatus, output: read(outputFile), errors: read(errorFile))
    }

    /// The last lines it wrote, for messages.
    func tail() -> String {
        (read(outputFile) + read(errorFile)).split(separator: "\n").suffix(12).joined(separator: "\n")
    }

    /// Runs to the end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: URL? = nil, limit: Duration = .seconds(120)
    ) async throws -> Result {
        try await MillraceProcess(arguments, environment: environment, input: input).wait(limit: limit)
    }

    private func read(_ file: URL) -> String {
        (try? String(decoding: Data(contentsOf: file), as: UTF8.self)) ?? ""
    }
}

/// Safety: `Process` is used here only through calls that Foundation documents as safe from any thread once it runs.
struct Mutexed<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
