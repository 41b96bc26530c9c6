import Records

/// The bytes of one value, where they lie: no copy, no `String`.
///
/// ``slack`` bytes behind the text belong to the view, so that eight bytes at a time can be loaded without looking for
/// the end. Every load is checked against the view.
struct ByteText: ~Escapable {
    /// Bytes behind the text that can be read, and mean nothing.
    static let slack = EntryBlock.slack

    /// The text and its slack.
    private let view: RawSpan

    /// - Precondition: ``slack`` bytes behind the text lie in `bytes`.
    @_lifetime(copy bytes)
    @inline(__always)
    init(_ bytes: RawSpan, start: Int, count: Int) {
        view = bytes.extracting(start..<(start &+ count &+ ByteText.slack))
    }

    @inline(__always)
    var count: Int { view.byteCount &- ByteText.slack }

    @inline(__always)
    var isEmpty: Bool { count == 0 }

    /// The byte at an index of the text.
    @inline(__always)
    subscript(index: Int) -> UInt8 { view.unsafeLoad(fromByteOffset: index, as: UInt8.self) }

    /// Eight bytes from an index on, the first in the lowest byte.
    @inline(__always)
    func load8(_ index: Int) -> UInt64 {
        UInt64(littleEndian: view.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Four bytes from an index on, the first in the lowest byte.
    @inline(__always)
    func load4(_ index: Int) -> UInt32 {
        UInt32(littleEndian: view.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
    }

    @_lifetime(copy self)
    @inline(__always)
    func slice(_ lower: Int, _ upper: Int) -> ByteText {
        ByteText(view, start: lower, count: upper &- lower)
    }

    /// The text's bytes without the slack.
    var span: RawSpan {
        @_lifetime(copy self) get { view.extracting(0..<count) }
    }

    /// Ones for the first `count` bytes; `count` is 0 to 7.
    @inline(__always)
    static func mask(_ count: Int) -> UInt64 { (1 &<< UInt64(truncatingIfNeeded: 8 &* count)) &- 1 }

    func contains(_ byte: UInt8) -> Bool {
        for index in 0..<count where self[index] == byte { return true }
        return false
    }

    /// Whether the text is `word` in any case; `word` is lower case ASCII letters.
    func isWord(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { letters in
            for index in 0..<count where self[index] | 0x20 != letters[index] { return false }
            return true
        }
    }

    /// The text as a string, repairing what is not UTF-8. For cold paths.
    var string: String {
        var copy: [UInt8] = []
        copy.reserveCapacity(count)
        for index in 0..<count { copy.append(self[index]) }
        return String(decoding: copy, as: UTF8.self)
    }
}

/// A short text kept in a pool of bytes, made to be compared with a ``ByteText`` quickly.
struct PoolText: Equatable, Sendable {
    let offset: Int32
    let count: Int32
    /// Its first eight bytes, and ones for those of them that it has.
    private let head: UInt64
    private let mask: UInt64
    /// Its last eight bytes, when it has more than eight.
    private let tail: UInt64

    static let empty = PoolText()

    private init() {
        offset = 0
        count = 0
        head = 0
        mask = 0
        tail = 0
    }

    /// - Parameter offset: where the text's bytes will stand in the pool.
    init(_ text: ByteText, offset: Int) {
        self.offset = Int32(truncatingIfNeeded: offset)
        count = Int32(truncatingIfNeeded: text.count)
        mask = text.count >= 8 ? .max : ByteText.mask(text.count)
        head = text.load8(0) & mask
        tail = text.count > 8 ? text.load8(text.count - 8) : 0
    }

    /// Whether `text` holds the same bytes.
    @inline(__always)
    func matches(_ text: ByteText, in pool: RawSpan) -> Bool {
        guard Int(count) == text.count, text.load8(0) & mask == head else { return false }
        return count <= 8
            || (text.load8(text.count &- 8) == tail && (count <= 16 || middleMatches(text, in: pool)))
    }

    /// Whether the `length` bytes at `start` are the same; a text that is not looked at otherwise needs no view.
    @inline(__always)
    func matches(_ bytes: RawSpan, start: Int, length: Int, in pool: RawSpan) -> Bool {
        guard Int(count) == length else { return false }
        let first = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
        guard first & mask == head else { return false }
        return count <= 8 || matches(ByteText(bytes, start: start, count: length), in: pool)
    }

    /// Compares what lies between the first and the last eight bytes.
    private func middleMatches(_ text: ByteText, in pool: RawSpan) -> Bool {
        let own = self.text(in: pool)
        var index = 8
        while index < own.count &- 8 {
            if own.load8(index) != text.load8(index) { return false }
            index &+= 8
        }
        return true
    }

    @_lifetime(copy pool)
    @inline(__always)
    func text(in pool: RawSpan) -> ByteText {
        ByteText(pool, start: Int(offset), count: Int(count))
    }
}

/// Texts one behind the other, with slack behind the last.
struct TextPool: Sendable {
    private var storage = [UInt8](repeating: 0, count: ByteText.slack)

    var bytes: RawSpan {
        @_lifetime(borrow self) get { storage.span.bytes }
    }

    mutating func add(_ text: String) -> PoolText {
        let utf8 = Array(text.utf8) + [UInt8](repeating: 0, count: ByteText.slack)
        return add(ByteText(utf8.span.bytes, start: 0, count: text.utf8.count))
    }

    mutating func add(_ text: ByteText) -> PoolText {
        let offset = storage.count - ByteText.slack
        storage.removeLast(ByteText.slack)
        for index in 0..<text.count { storage.append(text[index]) }
        for _ in 0..<ByteText.slack { storage.append(0) }
        return PoolText(text, offset: offset)
    }

    mutating func removeAll() {
        storage.removeAll(keepingCapacity: true)
        for _ in 0..<ByteText.slack { storage.append(0) }
    }
}
