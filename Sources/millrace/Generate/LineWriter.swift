/// Lines to standard output, in large writes, or at an even rate.
struct LineWriter {
    /// Lines that are not written yet; append to it after ``makeRoom()``.
    var bytes: [UInt8] = []
    private let pacer: Pacer?
    private var lineCount: Int64 = 0
    private static let bytesAtOnce = 64 << 10

    init(rate: Int?) {
        pacer = rate.map { Pacer(rate: $0, start: .now) }
    }

    /// Call before each line: writes what has gathered, and waits until the line is due.
    mutating func makeRoom() throws(CommandFailure) {
        if let pacer, let end = pacer.pause(before: lineCount, now: .now) {
            try flush()
            PacedPublisher.sleep(until: end)
        } else if bytes.count >= Self.bytesAtOnce {
            try flush()
        }
        lineCount += 1
    }

    mutating func flush() throws(CommandFailure) {
        let code = Output.write(bytes, to: Terminal.standardOutput)
        bytes.removeAll(keepingCapacity: true)
        if code != 0 { throw Output.unwritable(code) }
    }
}
