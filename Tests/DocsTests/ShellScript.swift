import Foundation

/// Text that bash runs.
struct ShellScript {
    private let text: String
    private let environment: [String: String]
    private let folder: URL

    /// - Parameter environment: all variables; empty takes those of the tests.
    init(_ text: String, environment: [String: String], folder: URL = FileManager.default.temporaryDirectory) {
        self.text = text
        self.environment = environment.isEmpty ? ProcessInfo.processInfo.environment : environment
        self.folder = folder
    }

    /// Runs to the end, at most a quarter of an hour; gives all output.
    func run() async throws -> (status: Int32, output: String) {
        let output = FileManager.default.temporaryDirectory.appending(path: "millrace-shell-\(UUID().uuidString)")
        try Data().write(to: output)
        defer { try? FileManager.default.removeItem(at: output) }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", text]
        process.environment = environment
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        let end = ContinuousClock.now + .seconds(900)
        while process.isRunning {
            if ContinuousClock.now > end { process.terminate() }
            try await Task.sleep(for: .milliseconds(20))
        }
        return (process.terminationStatus, String(decoding: try Data(contentsOf: output), as: UTF8.self))
    }
}
