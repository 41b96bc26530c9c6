import Foundation
import Glibc

/// Lines to standard output and standard error.
enum Output {
    /// One line of our own making to standard output; texts of others are to be escaped by the caller.
    static func print(_ line: String) {
        write(Array((line + "\n").utf8), to: Terminal.standardOutput)
    }

    /// One line to standard error, made harmless for a terminal.
    static func complain(_ line: String) {
        write(Array((SafeText.escape(line) + "\n").utf8), to: Terminal.standardError)
    }

    /// One JSON value on one line of standard output.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        print(SafeText.escapeJSON(text))
    }

    /// Writes everything. Gives the system's error code when that fails, and 0 otherwise.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}
