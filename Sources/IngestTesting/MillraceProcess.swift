public import Foundation
import Glibc

/// The built `millrace` command as a process of its own, the way an operator runs it.
///
/// Output goes to files, so that a full pipe can never stop it. Dropping the value kills the process.
public final class MillraceProcess: Sendable {
    public struct Result: Sendable {
        public let status: Int32
        public let output: String
        public let errors: String
        /// Standard output byte for byte.
        public let outputBytes: [UInt8]
    }

    /// Why a command could not be run to its end.
    public enum Failure: Error, CustomStringConvertible {
        case notBuilt(path: String)
        case tooLong(limit: Duration, tail: String)

        public var description: String {
            switch self {
            case .notBuilt(let path): "the command is not built: no millrace beside \(path)"
            case .tooLong(let limit, let tail): "millrace did not end within \(limit): \(tail)"
            }
        }
    }

    /// The command lies beside the test runner in the build folder.
    public static func executable() throws -> URL {
        if let given = ProcessInfo.processInfo.environment["MILLRACE_EXECUTABLE"] { return URL(filePath: given) }
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let places = [runner, Bundle.main.bundlePath, CommandLine.arguments.first ?? "", #filePath]
        for place in places where !place.isEmpty {
            var folder = URL(filePath: place).deletingLastPathComponent()
            while folder.path != "/" {
                let candidate = folder.appending(path: "millrace")
                var isFolder: ObjCBool = false
                let exists = FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder)
                if exists, !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate.path) {
                    return candidate
                }
                folder = folder.deletingLastPathComponent()
            }
        }
        throw Failure.notBuilt(path: runner)
    }

    public let pid: Int32
    private let process: RunningProcess
    private let folder: URL

    /// Starts `millrace` with these arguments.
    /// - Parameters:
    ///   - environment: added to that of the tests.
    ///   - input: a file for standard input; nothing when `nil`.
    ///   - directory: where it runs; a folder without a configuration file when `nil`.
    ///   - launcher: a program, with its arguments, that starts it in its own place, such as `nohup`.
    public init(
        _ arguments: [String], environment: [String: String] = [:], input: URL? = nil, directory: URL? = nil,
        launcher: [String] = []
    ) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "millrace-process-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let process = Process()
        let words = launcher + [try Self.executable().path] + arguments
        process.executableURL = URL(filePath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = directory ?? folder
        process.standardOutput = try Self.create(folder.appending(path: "out"))
        process.standardError = try Self.create(folder.appending(path: "err"))
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        try process.run()
        pid = process.processIdentifier
        self.process = RunningProcess(process)
    }

    deinit {
        if process.value.isRunning { Glibc.kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    public var isRunning: Bool { process.value.isRunning }

    public func send(_ signal: Int32) { Glibc.kill(pid, signal) }

    /// Waits for the end.
    /// - Throws: ``Failure/tooLong(limit:tail:)``, after killing it, when it takes longer than `limit`.
    @discardableResult
    public func wait(limit: Duration = .seconds(120)) async throws -> Result {
        let end = ContinuousClock.now + limit
        while isRunning {
            if ContinuousClock.now > end {
                send(SIGKILL)
                throw Failure.tooLong(limit: limit, tail: tail())
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        let output = bytes("out")
        return Result(
            status: process.value.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: bytes("err"), as: UTF8.self), outputBytes: output)
    }

    /// What it wrote to standard output so far.
    public var outputSoFar: String { String(decoding: bytes("out"), as: UTF8.self) }

    /// What it wrote to standard error so far: a worker's log.
    public var errorsSoFar: String { String(decoding: bytes("err"), as: UTF8.self) }

    /// The last lines it wrote, for messages.
    public func tail() -> String {
        let text = outputSoFar + String(decoding: bytes("err"), as: UTF8.self)
        return text.split(separator: "\n").suffix(12).joined(separator: "\n")
    }

    /// Runs to the end.
    public static func run(
        _ arguments: [String], environment: [String: String] = [:], input: URL? = nil, directory: URL? = nil,
        limit: Duration = .seconds(120)
    ) async throws -> Result {
        let process = try MillraceProcess(arguments, environment: environment, input: input, directory: directory)
        return try await process.wait(limit: limit)
    }

    private static func create(_ file: URL) throws -> FileHandle {
        try Data().write(to: file)
        return try FileHandle(forWritingTo: file)
    }

    private func bytes(_ name: String) -> [UInt8] {
        (try? Data(contentsOf: folder.appending(path: name))).map { Array($0) } ?? []
    }
}

/// Safety: `Process` is used here only through calls that Foundation documents as safe from any thread once it runs.
private struct RunningProcess: @unchecked Sendable {
    let value: Process

    init(_ value: Process) {
        self.value = value
    }
}
