import Foundation
import Glibc
import Synchronization

/// Lines to standard output and standard error.
///
/// Standard output that cannot be written, such as a file on a full disk, is no success: the command ends with
/// ``failure``.
enum Output {
    /// The system's first error code of standard output; 0 while there is none.
    private static let firstError = Atomic<Int32>(0)

    /// Why standard output does not hold everything. A reader that went away early, as `head` does, is none.
    static var failure: CommandFailure? {
        let code = firstError.load(ordering: .relaxed)
        return code == 0 || code == EPIPE ? nil : unwritable(code)
    }

    static func unwritable(_ code: Int32) -> CommandFailure {
        CommandFailure("standard output: \(String(cString: strerror(code)))")
    }

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
                let code = errno
                if code == EINTR { continue }
                if descriptor == Terminal.standardOutput {
                    _ = firstError.compareExchange(expected: 0, desired: code, ordering: .relaxed)
                }
                return code
            }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}
