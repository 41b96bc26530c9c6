import Foundation
import Glibc

@testable import LocalServices

/// A process that has ended but is not yet reaped counts as gone.
func isAlive(_ pid: Int32) -> Bool {
    processStatus(pid, "State").map { !$0.hasPrefix("Z") } ?? false
}

/// A line of `/proc/<pid>/status`.
func processStatus(_ pid: Int32, _ key: String) -> String? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/status") else { return nil }
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(key + ":") }
    return line.map { $0.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces) }
}

/// The processes whose command line contains `text`: PostgreSQL's children, for instance.
func processes(mentioning text: String) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { pid in
        let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        return String(decoding: data, as: UTF8.self).contains(text) && isAlive(pid)
    }
}

/// Waits for something other processes do, which nobody tells us about.
func eventually(within limit: Duration = .seconds(20), _ condition: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        try await Task.sleep(for: .milliseconds(10))
    }
    return true
}

extension LocalRedis {
    /// Runs one command through `redis-cli` and returns its raw reply.
    func cli(_ words: String...) async throws -> String {
        let output = try await ChildCommand.check(
            ["redis-cli", "-e", "-p", "\(port)"] + words, doing: "redis-cli \(words.joined(separator: " "))")
        return output.trimmingCharacters(in: .newlines)
    }
}

extension LocalPostgres {
    func value(_ sql: String, database: String = "millrace") async throws -> String {
        try await run(sql: sql, database: database).trimmingCharacters(in: .newlines)
    }
}

/// A folder of the test's own that goes when the test ends.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/var/tmp/millrace-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServiceError("no folder in /var/tmp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        _ = chmod(path, 0o755)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
