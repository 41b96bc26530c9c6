import Foundation
import Glibc
import IngestTesting

/// The command on a pseudo-terminal, which `script` makes, and somebody who answers its question.
struct Conversation {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// Keeps the pipe readable: typing to a command that ended must not end the tests, too.
    private let reader: FileHandle

    init(_ arguments: [String], _ environment: [String: String]) throws {
        let words = [try MillraceProcess.executable().path] + arguments
        process.executableURL = URL(filePath: "/usr/bin/script")
        process.arguments = ["-qec", words.map { "'\($0)'" }.joined(separator: " "), "/dev/null"]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        reader = FileHandle(fileDescriptor: dup(input.fileHandleForReading.fileDescriptor), closeOnDealloc: true)
        process.standardOutput = output
        try process.run()
    }

    /// Reads up to the question.
    /// - Returns: what was shown until then, and all of it when the command ended without a question.
    func question() -> String {
        var shown = ""
        while !shown.contains("Go on? [y/N]") {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            shown += String(decoding: more, as: UTF8.self)
        }
        return shown
    }

    /// Types a line.
    /// - Returns: what was shown from then on, and the command's exit status.
    func answer(_ line: String) throws -> (output: String, status: Int32) {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
        let rest = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: rest, as: UTF8.self), process.terminationStatus)
    }
}
