import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

/// What people see: the command on a pseudo-terminal, which `script` makes.
struct TerminalTests {
    private func onTerminal(
        _ arguments: [String], _ environment: [String: String]
    ) async throws -> String {
        let words = [try MillraceProcess.executable().path] + arguments
        return try await onThread { try Self.script(words, environment) }
    }

    /// Blocks until the command has ended.
    private static func script(_ words: [String], _ environment: [String: String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/script")
        process.arguments = ["-qec", words.map { "'\($0)'" }.joined(separator: " "), "/dev/null"]
        var variables = ProcessInfo.processInfo.environment.merging(["TERM": "xterm"]) { $1 }
        variables["NO_COLOR"] = nil
        process.environment = variables.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    @Test func coloursAreForTerminalsThatWantThem() async throws {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", "s", "*", "a", "b")
        let environment = ["MILLRACE_REDIS_URL": scene.redis.url]
        let arguments = ["stream", "ls", "s"]
        #expect(try await onTerminal(arguments, environment).contains("\u{1B}[1mSTREAM"))
        let plain = try await onTerminal(arguments, environment.merging(["NO_COLOR": "1"]) { $1 })
        #expect(plain.contains("STREAM"))
        #expect(!plain.contains("\u{1B}"))
        #expect(!(try await scene.run(arguments).output.contains("\u{1B}")))
    }

    @Test func longWorkShowsProgress() async throws {
        let scene = try await CommandScene()
        let output = try await onTerminal(
            ["generate", "trades", "--count", "600", "--rate", "1000", "--publish"],
            ["MILLRACE_REDIS_URL": scene.redis.url])
        let shown = output.split(separator: "\r").filter { $0.contains("/600") }
        #expect((1...5).contains(shown.count), "at most five times a second: \(shown)")
        #expect(output.contains("published 600 entries to 1 stream"))
    }

    @Test func takingBackAMigrationAsks() async throws {
        let database = try await TestServices.shared.database()
        let environment = ["MILLRACE_POSTGRES_URL": database]
        #expect(try await MillraceProcess.run(["migrate", "up"], environment: environment).status == 0)
        // The terminal's input is at its end: that is not a yes.
        let output = try await onTerminal(["migrate", "down"], environment)
        #expect(output.contains("Go on? [y/N]"))
        #expect(try await MillraceProcess.run(["migrate", "validate"], environment: environment).status == 0)
    }
}
