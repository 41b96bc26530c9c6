import Glibc

/// The bytes of a descriptor, in pieces.
struct FileBytes: ~Copyable {
    private let descriptor: Int32
    private let isOwned: Bool

    init(path: String) throws(RecordFileError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        isOwned = true
        if descriptor < 0 {
            throw RecordFileError(file: path, line: nil, message: "cannot be opened: \(Self.text(of: errno))")
        }
    }

    /// The descriptor stays open when this value ends.
    init(borrowing descriptor: Int32) {
        self.descriptor = descriptor
        isOwned = false
    }

    deinit {
        if isOwned, descriptor >= 0 { close(descriptor) }
    }

    /// Fills the front of `buffer`; 0 at the end.
    func read(into buffer: inout [UInt8]) throws(ReadFailure) -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            if errno != EINTR { throw ReadFailure("cannot be read: \(Self.text(of: errno))") }
        }
    }

    private static func text(of code: Int32) -> String { String(cString: strerror(code)) }
}
