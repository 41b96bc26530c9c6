public import Records

/// One argument of a command.
public enum RedisArgument: Sendable, Equatable {
    case text(String)
    case bytes([UInt8])
    case integer(Int)
    case id(StreamID)

    public static func key(_ key: StreamKey) -> RedisArgument { .bytes(key.bytes) }
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
}

/// Commands as the bytes that go over the wire, any number of them, to be sent in one write.
///
/// A batch that waits for its commit keeps its acknowledgements in one of these: the block they were read from may
/// then be reused.
public struct CommandBuffer: Sendable {
    /// XACK takes so many ids at a time: 5,000 in one command would hold up the server for 6 ms.
    public static let acknowledgedAtOnce = 1_000

    public private(set) var bytes: [UInt8] = []
    /// How many replies these commands will have.
    public private(set) var commandCount = 0

    public init() {}

    public var isEmpty: Bool { bytes.isEmpty }

    /// Empties the buffer and keeps its memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        commandCount = 0
    }

    public mutating func append(_ arguments: RedisArgument...) {
        append(arguments)
    }

    public mutating func append(_ arguments: [RedisArgument]) {
        begin(argumentCount: arguments.count)
        for argument in arguments { write(argument) }
    }

    /// Adds the commands of another buffer.
    public mutating func append(contentsOf other: borrowing CommandBuffer) {
        bytes.append(contentsOf: other.bytes)
        commandCount += other.commandCount
    }

    // MARK: Piece by piece

    /// Starts a command; exactly so many ``write(_:)`` calls must follow.
    public mutating func begin(argumentCount: Int) {
        header(Ascii.array, argumentCount)
        commandCount += 1
    }

    public mutating func write(_ argument: RedisArgument) {
        switch argument {
        case .text(let text): write(text)
        case .bytes(let argument): write(argument)
        case .integer(let value): write(String(value))
        case .id(let id): write(id)
        }
    }

    public mutating func write(_ argument: [UInt8]) {
        header(Ascii.bulk, argument.count)
        bytes.append(contentsOf: argument)
        lineEnd()
    }

    public mutating func write(_ text: String) {
        header(Ascii.bulk, text.utf8.count)
        bytes.append(contentsOf: text.utf8)
        lineEnd()
    }

    public mutating func write(_ id: StreamID) {
        // Written from its end, because its length comes first: `$15\r\n1630921200123-0\r\n` in one append.
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { text in
            var start = Self.prependLineEnd(to: text, at: 64)
            let end = start
            start = DecimalDigits.prepend(id.sequence, to: text, at: start) - 1
            text[start] = Ascii.minus
            start = DecimalDigits.prepend(id.milliseconds, to: text, at: start)
            let length = UInt64(end - start)
            start = Self.prependLineEnd(to: text, at: start)
            start = DecimalDigits.prepend(length, to: text, at: start) - 1
            text[start] = Ascii.bulk
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start...]))
        }
    }

    // MARK: Acknowledgements

    /// Adds XACK for these ids, in as many commands as ``acknowledgedAtOnce`` asks for; none for no ids.
    public mutating func appendAcknowledge(stream: StreamKey, group: String, ids: [StreamID]) {
        for start in stride(from: 0, to: ids.count, by: Self.acknowledgedAtOnce) {
            let some = ids[start..<min(start + Self.acknowledgedAtOnce, ids.count)]
            begin(argumentCount: 3 + some.count)
            write("XACK")
            write(stream.bytes)
            write(group)
            for id in some { write(id) }
        }
    }

    // MARK: Bytes

    private mutating func header(_ type: UInt8, _ count: Int) {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { text in
            var start = Self.prependLineEnd(to: text, at: 32)
            start = DecimalDigits.prepend(UInt64(count), to: text, at: start) - 1
            text[start] = type
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start...]))
        }
    }

    private mutating func lineEnd() {
        bytes.append(Ascii.carriageReturn)
        bytes.append(Ascii.lineFeed)
    }

    /// Writes `\r\n` before `start`; returns where it begins.
    private static func prependLineEnd(to text: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        text[start - 1] = Ascii.lineFeed
        text[start - 2] = Ascii.carriageReturn
        return start - 2
    }
}
