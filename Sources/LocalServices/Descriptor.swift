import Glibc

/// A file descriptor that is closed with its last reference, and that no child inherits by accident.
final class Descriptor: Sendable {
    let raw: Int32

    init(_ raw: Int32, for purpose: String) throws {
        guard raw >= 0 else { throw ServiceError("cannot open \(purpose): \(String(cString: strerror(errno)))") }
        self.raw = raw
        _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        close(raw)
    }

    static func nothing() throws -> Descriptor {
        try Descriptor(open("/dev/null", O_RDWR | O_CLOEXEC), for: "/dev/null")
    }

    static func pipe() throws -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [-1, -1]
        _ = Glibc.pipe(&ends)
        return (try Descriptor(ends[0], for: "a pipe"), try Descriptor(ends[1], for: "a pipe"))
    }

    /// A file without a name that holds `text`, read from its start.
    static func scratch(_ text: String = "") throws -> Descriptor {
        var template = Array("/tmp/millrace-XXXXXX".utf8CString)
        let file = try Descriptor(mkstemp(&template), for: "a file in /tmp")
        unlink(template)
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
            guard count > 0 else { throw ServiceError("cannot write a file in /tmp") }
            bytes = bytes.dropFirst(count)
        }
        lseek(file.raw, 0, SEEK_SET)
        return file
    }

    /// What a scratch file holds.
    func contents() -> String {
        lseek(raw, 0, SEEK_SET)
        var bytes: [UInt8] = []
        while let more = readSome() {
            bytes += more
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads up to and without the first line end, blocking.
    func firstLine() -> String {
        var bytes: [UInt8] = []
        while !bytes.contains(UInt8(ascii: "\n")), let more = readSome() {
            bytes += more
        }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private func readSome() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(raw, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            return count > 0 ? Array(buffer.prefix(count)) : nil
        }
    }
}
