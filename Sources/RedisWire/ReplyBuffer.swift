import Records

/// The bytes that came from the socket and are not used up: `bytes[start..<end]`.
///
/// Behind `end` there is always room for ``EntryBlock/slack`` more, so that a block can take the array as it is.
struct ReplyBuffer {
    private static let smallestBytes = 64 << 10

    private(set) var bytes: [UInt8] = []
    /// An array to go on in when `bytes` is given away. It is kept here and nowhere else: a second reference, such as
    /// a closure's capture, would make the first write copy it whole.
    private var spare: [UInt8] = []
    private(set) var start = 0
    private(set) var end = 0

    /// Bytes that can be received before the array must grow.
    private var free: Int { max(0, bytes.count - EntryBlock.slack - end) }

    /// Takes the next ordinary reply when it is complete; the scanner remembers how far it came.
    mutating func takeValue(_ scanner: inout ReplyScanner) throws(ProtocolViolation) -> RedisValue? {
        guard let (value, position) = try value(&scanner) else { return nil }
        consume(to: position)
        return value
    }

    private func value(_ scanner: inout ReplyScanner) throws(ProtocolViolation) -> (RedisValue, end: Int)? {
        let filled = bytes.span.extracting(first: end)
        guard let position = try scanner.scan(filled) else { return nil }
        var cursor = ReplyCursor(filled, at: start, shift: -start)
        return try RedisValue.read(&cursor, limits: scanner.limits).map { ($0, position) }
    }

    /// Takes what has arrived of an ordinary reply, of which only the outline is kept; the reply once it is complete.
    mutating func takeAbridged(_ reader: inout AbridgedReader) throws(ProtocolViolation) -> RedisValue? {
        let (value, end) = try reader.read(bytes.span.extracting(first: end), from: start)
        consume(to: end)
        return value
    }

    /// Lets the parser see what has arrived: its positions are those of the array.
    func parse(
        _ parser: inout EntryParser, into block: inout EntryBlock
    ) throws(ProtocolViolation) -> EntryParser.Progress {
        try parser.parse(bytes.span.extracting(first: end), into: &block)
    }

    /// Uses up what is before `position`.
    mutating func consume(to position: Int) {
        start = position
        guard start == end else { return }
        start = 0
        end = 0
    }

    /// Moves what is not used up to the array's beginning.
    mutating func compact() {
        guard start > 0 else { return }
        discard(0..<start)
        start = 0
    }

    /// Removes bytes; what is behind them moves down.
    mutating func discard(_ range: Range<Int>) {
        let tail = end - range.upperBound
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress, tail > 0 else { return }
            (base + range.lowerBound).copyMemory(from: base + range.upperBound, byteCount: tail)
        }
        end -= range.count
    }

    /// Makes room for at least `count` bytes; grows by doubling, but not beyond `softLimit` unless it must.
    mutating func reserve(_ count: Int, softLimit: Int) {
        guard free < count else { return }
        let needed = end + count + EntryBlock.slack
        let doubled = min(max(2 * bytes.count, Self.smallestBytes), softLimit)
        grow(to: max(needed, doubled))
    }

    private mutating func grow(to target: Int) {
        let used = end
        bytes = [UInt8](unsafeUninitializedCapacity: target) { buffer, count in
            bytes.withUnsafeBytes { old in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(rebasing: old[..<used]))
            }
            buffer[used...].initialize(repeating: 0)
            count = target
        }
    }

    /// Lets `receive` fill the free bytes; it returns how many it wrote.
    mutating func fill<Failure>(
        _ receive: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        let range = end..<(end + free)
        var span = bytes.mutableSpan
        end += try span.withUnsafeMutableBytes { (buffer) throws(Failure) -> Int in
            try receive(UnsafeMutableRawBufferPointer(rebasing: buffer[range]))
        }
    }

    /// Keeps an array whose bytes are not needed any more.
    mutating func keepSpare(_ array: consuming [UInt8]) {
        spare = array
    }

    /// Gives the spare array back.
    mutating func takeSpare() -> [UInt8] {
        var array: [UInt8] = []
        swap(&array, &spare)
        return array
    }

    /// Gives the array away and goes on in the spare one with the bytes from `position` on.
    mutating func detach(from position: Int) -> [UInt8] {
        let tail = position..<end
        var next = ReplyBuffer()
        next.bytes = takeSpare()
        next.reserve(tail.count, softLimit: Self.smallestBytes)
        next.end = tail.count
        next.bytes.withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes { source in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[tail]))
            }
        }
        swap(&self, &next)
        return next.bytes
    }
}
