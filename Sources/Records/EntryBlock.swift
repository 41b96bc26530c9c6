/// The entries of one reply: the reply's bytes as they came from the socket, and where each field lies in them.
///
/// There is no object and no copy per field. The block is filled by the reply parser (`RedisWire`) through
/// ``beginStream(_:)``, ``beginEntry(_:)``, ``appendSlice(offset:length:)`` and ``endEntry(_:body:)``, then gets the
/// bytes with ``adopt(bytes:)``; from then on it is read only. It owns its storage, so it may change threads.
///
/// Behind the last byte of the reply at least ``slack`` more bytes can be read, so that a decoder may load eight
/// bytes at a time without looking for the end.
public struct EntryBlock: ~Copyable, Sendable {
    /// Bytes that can be read behind the end of the reply.
    public static let slack = 16

    /// Where a name or a value lies in the block's bytes.
    @frozen
    public struct Slice: Equatable, BitwiseCopyable, Sendable {
        public var offset: UInt32
        public var length: UInt32

        @inlinable
        public init(offset: Int, length: Int) {
            self.offset = UInt32(truncatingIfNeeded: offset)
            self.length = UInt32(truncatingIfNeeded: length)
        }

        @inlinable
        public var range: Range<Int> { Int(offset)..<(Int(offset) + Int(length)) }
    }

    /// What the reply held of an entry's fields.
    public enum Body: Equatable, BitwiseCopyable, Sendable {
        /// All fields are here.
        case kept
        /// The entry was deleted or trimmed while it was pending: Redis answers nil for its fields.
        case deleted
        /// The fields take this many bytes, more than the reader keeps; they were read past.
        case skipped(byteCount: Int)
    }

    /// One entry's place in the block.
    public struct Record: BitwiseCopyable, Sendable {
        public var id: StreamID
        /// Index of its first name; names and values alternate.
        @usableFromInline var firstSlice: UInt32
        @usableFromInline var sliceCount: UInt32
        /// Its fields as RESP bytes, array header included: what a dead letter keeps.
        public var raw: Slice
        public var body: Body

        @usableFromInline
        init(id: StreamID, firstSlice: Int) {
            self.id = id
            self.firstSlice = UInt32(truncatingIfNeeded: firstSlice)
            sliceCount = 0
            raw = Slice(offset: 0, length: 0)
            body = .kept
        }
    }

    /// The entries of one stream, ascending and next to each other.
    public struct StreamRun: Sendable {
        public var key: StreamKey
        public var entries: Range<Int>
    }

    @usableFromInline var storage: [UInt8] = []
    @usableFromInline var slices = PlainBuffer<Slice>()
    @usableFromInline var records = PlainBuffer<Record>()
    public private(set) var streams: [StreamRun] = []

    public init() {}

    /// How many entries the block holds, of all streams.
    public var count: Int { records.count }
    public var isEmpty: Bool { records.count == 0 }

    /// What these entries' fields took of the reply, those that were read past included.
    public borrowing func byteCount(of entries: Range<Int>) -> Int {
        var total = 0
        for index in entries {
            switch records[index].body {
            case .kept: total += Int(records[index].raw.length)
            case .skipped(let count): total += count
            case .deleted: break
            }
        }
        return total
    }

    /// The block's bytes, slack included.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self) borrowing get { storage.span }
    }

    public borrowing func id(_ index: Int) -> StreamID { records[index].id }
    public borrowing func record(_ index: Int) -> Record { records[index] }

    /// A copy of an entry's fields as RESP bytes, as they came.
    public borrowing func rawFields(_ index: Int) -> [UInt8] { Array(storage[records[index].raw.range]) }

    /// A view of one entry; it lives no longer than the block is borrowed.
    @inlinable
    @_lifetime(borrow self)
    public borrowing func entry(_ index: Int) -> Entry {
        let record = records[index]
        let first = Int(record.firstSlice)
        return Entry(
            id: record.id, bytes: storage.span,
            slices: slices.span.extracting(first..<(first + Int(record.sliceCount))), raw: record.raw)
    }

    // MARK: Filling

    /// Starts the entries of a stream. Entries begun from here on belong to it.
    public mutating func beginStream(_ key: StreamKey) {
        streams.append(StreamRun(key: key, entries: records.count..<records.count))
    }

    /// Starts an entry; slices appended from here on are its names and values.
    @inlinable
    public mutating func beginEntry(_ id: StreamID) {
        records.append(Record(id: id, firstSlice: slices.count))
    }

    @inlinable
    public mutating func appendSlice(offset: Int, length: Int) {
        slices.append(Slice(offset: offset, length: length))
    }

    /// Ends the entry begun last. For a body that is not `.kept`, slices appended since are dropped.
    @inlinable
    public mutating func endEntry(raw: Slice, body: Body = .kept) {
        let last = records.count - 1
        var record = records[last]
        if body != .kept { slices.truncate(to: Int(record.firstSlice)) }
        record.sliceCount = UInt32(truncatingIfNeeded: slices.count - Int(record.firstSlice))
        record.raw = raw
        record.body = body
        records[last] = record
    }

    /// Takes back the entry begun last, because its end has not arrived yet.
    @inlinable
    public mutating func cancelEntry() {
        let last = records.count - 1
        slices.truncate(to: Int(records[last].firstSlice))
        records.truncate(to: last)
    }

    /// Ends the stream begun last.
    public mutating func endStream() {
        streams[streams.count - 1].entries = streams[streams.count - 1].entries.lowerBound..<records.count
    }

    /// Gives the block the bytes that its slices point into.
    /// - Precondition: `bytes` is at least ``slack`` longer than the end of the last slice.
    public mutating func adopt(bytes: consuming [UInt8]) {
        storage = bytes
    }

    /// Empties the block and hands its buffer back, so that the next reply needs no new memory.
    public mutating func recycle() -> [UInt8] {
        slices.truncate(to: 0)
        records.truncate(to: 0)
        streams.removeAll(keepingCapacity: true)
        var buffer: [UInt8] = []
        swap(&buffer, &storage)
        return buffer
    }
}

/// One entry of a block: its id, its names and values in the producer's order.
///
/// Names may repeat and need not be UTF-8; both are for the codec to judge.
public struct Entry: ~Escapable {
    public let id: StreamID
    /// The whole block's bytes, slack included; slices are relative to it.
    public let bytes: Span<UInt8>
    @usableFromInline let slices: Span<EntryBlock.Slice>
    @usableFromInline let raw: EntryBlock.Slice

    @inlinable
    @_lifetime(copy bytes, copy slices)
    init(id: StreamID, bytes: Span<UInt8>, slices: Span<EntryBlock.Slice>, raw: EntryBlock.Slice) {
        self.id = id
        self.bytes = bytes
        self.slices = slices
        self.raw = raw
    }

    /// How many name-value pairs the entry has.
    @inlinable
    public var pairCount: Int { slices.count / 2 }

    @inlinable
    public func nameSlice(_ pair: Int) -> EntryBlock.Slice { slices[2 * pair] }

    @inlinable
    public func valueSlice(_ pair: Int) -> EntryBlock.Slice { slices[2 * pair + 1] }

    @inlinable
    @_lifetime(copy self)
    public func name(_ pair: Int) -> Span<UInt8> { bytes.extracting(nameSlice(pair).range) }

    @inlinable
    @_lifetime(copy self)
    public func value(_ pair: Int) -> Span<UInt8> { bytes.extracting(valueSlice(pair).range) }

    /// The fields as RESP bytes (`*4\r\n$5\r\nprice\r\n…`), as they came: what a dead letter keeps.
    public var rawFields: Span<UInt8> {
        @_lifetime(copy self) get { bytes.extracting(raw.range) }
    }
}
