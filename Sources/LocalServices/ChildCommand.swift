import Foundation
import Glibc

/// One short-lived command: what `psql`, `initdb`, `cp` and the like are run with.
enum ChildCommand {
    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs `command` to its end and returns what it printed. The working directory is `/`, because the user a server
    /// drops to may not be allowed to see ours. Throws only when it cannot be started at all.
    static func run(_ command: [String], input: String? = nil) async throws -> Result {
        let process = makeProcess(command)
        let files = try ScratchFiles()
        defer { files.remove() }
        process.standardInput = try files.input(input)
        process.standardOutput = try files.handle("output")
        process.standardError = try files.handle("errors")
        let exit = ExitSignal()
        process.terminationHandler = { exit.fire(status: $0.terminationStatus) }
        try process.run()
        let status = await exit.wait()
        return Result(status: status, output: files.text("output"), errors: files.text("errors"))
    }

    /// As `run`, but a status other than 0 throws, with the last lines of what the command said.
    @discardableResult
    static func check(_ command: [String], input: String? = nil, doing purpose: String) async throws -> String {
        let result = try await run(command, input: input)
        guard result.status == 0 else {
            let said = result.errors.isEmpty ? result.output : result.errors
            throw ServiceError("\(purpose): \(lastLines(of: said))")
        }
        return result.output
    }

    /// A process that looks the program up in the usual folders (`/usr/sbin` included) and in a neutral environment:
    /// a `PGPORT` or `PGOPTIONS` of the caller must not reach a private server.
    static func makeProcess(_ command: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        environment["PATH"] = (environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
        environment["LC_ALL"] = "C.UTF-8"
        process.environment = environment
        return process
    }

    static func lastLines(of text: String, count: Int = 8) -> String {
        text.split(separator: "\n").suffix(count).joined(separator: "\n")
    }
}

/// Files that stand in for the pipes of a short command, so that no amount of output can block it.
private struct ScratchFiles {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func handle(_ name: String) throws -> FileHandle {
        let file = folder.appendingPathComponent(name)
        guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
            throw ServiceError("cannot write \(file.path)")
        }
        return try FileHandle(forWritingTo: file)
    }

    func input(_ text: String?) throws -> FileHandle {
        guard let text else { return FileHandle.nullDevice }
        let file = folder.appendingPathComponent("input")
        try Data(text.utf8).write(to: file)
        return try FileHandle(forReadingFrom: file)
    }

    func text(_ name: String) -> String {
        let data = (try? Data(contentsOf: folder.appendingPathComponent(name))) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    func remove() {
        try? FileManager.default.removeItem(at: folder)
    }
}
