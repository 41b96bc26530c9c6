/// Bytes on their way to the server, in network byte order.
///
/// This is the codec's only raw memory. Every write looks at the capacity first and grows it when needed; offsets
/// given by the caller are checked.
struct CopyBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        base.deallocate()
    }

    // MARK: Room

    /// Makes room for `extra` bytes behind the last.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if capacity &- count < extra { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        copy.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = copy
        capacity = larger
    }

    /// Takes back everything behind `length`.
    @inline(__always)
    mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count, "a buffer can only be cut inside")
        count = length
    }

    /// Empties the buffer, and gives memory back when it holds more than `keeping` bytes.
    mutating func removeAll(keeping: Int) {
        count = 0
        guard capacity > keeping else { return }
        base.deallocate()
        capacity = max(keeping, 64)
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    // MARK: Appending

    @inline(__always)
    mutating func append8(_ value: UInt8) {
        reserve(1)
        base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    mutating func append16(_ value: UInt16) {
        reserve(2)
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt16.self)
        count &+= 2
    }

    @inline(__always)
    mutating func append32(_ value: Int32) {
        reserve(4)
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: Int32.self)
        count &+= 4
    }

    @inline(__always)
    mutating func append64(_ value: UInt64) {
        reserve(8)
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self)
        count &+= 8
    }

    /// Appends the first `length` bytes of `value`, the lowest first; `length` is at most 8.
    @inline(__always)
    mutating func appendLow(_ value: UInt64, _ length: Int) {
        reserve(8)
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= min(length, 8)
    }

    /// Appends the bytes of `text`.
    @inline(__always)
    mutating func append(_ text: ByteText) {
        reserve(text.count &+ 16)
        copy(text)
    }

    /// Appends a field that holds the bytes of `text`.
    @inline(__always)
    mutating func appendField(_ text: ByteText) {
        reserve(text.count &+ 20)
        base.storeBytes(of: Int32(truncatingIfNeeded: text.count).bigEndian, toByteOffset: count, as: Int32.self)
        count &+= 4
        copy(text)
    }

    /// Appends a field of eight bytes.
    @inline(__always)
    mutating func appendField(_ value: UInt64) {
        reserve(12)
        base.storeBytes(of: Int32(8).bigEndian, toByteOffset: count, as: Int32.self)
        base.storeBytes(of: value.bigEndian, toByteOffset: count &+ 4, as: UInt64.self)
        count &+= 12
    }

    /// Appends a `numeric` field: its header, and its groups in one go, of which only some count.
    @inline(__always)
    mutating func appendNumeric(_ number: NumericValue.Header) {
        reserve(NumericValue.headerBytes &+ 16)
        let length = 8 &+ 2 &* Int32(number.count)
        let head =
            UInt64(number.count) &<< 48 | UInt64(number.weight) &<< 32 | UInt64(number.sign) &<< 16
            | UInt64(number.displayScale)
        base.storeBytes(of: length.bigEndian, toByteOffset: count, as: Int32.self)
        base.storeBytes(of: head.bigEndian, toByteOffset: count &+ 4, as: UInt64.self)
        base.storeBytes(
            of: UInt64(truncatingIfNeeded: number.groups &>> 64).bigEndian, toByteOffset: count &+ 12, as: UInt64.self)
        base.storeBytes(
            of: UInt64(truncatingIfNeeded: number.groups).bigEndian, toByteOffset: count &+ 20, as: UInt64.self)
        count &+= 4 &+ Int(length)
    }

    /// Copies a text for which there is room, and for sixteen bytes more.
    @inline(__always)
    private mutating func copy(_ text: ByteText) {
        if text.count > 16 { return copyLong(text) }
        if text.count == 0 { return }
        // Short texts dominate: sixteen bytes at once, of which only the text counts. The source has its slack.
        base.storeBytes(of: text.load8(0), toByteOffset: count, as: UInt64.self)
        if text.count > 8 { base.storeBytes(of: text.load8(8), toByteOffset: count &+ 8, as: UInt64.self) }
        count &+= text.count
    }

    private mutating func copyLong(_ text: ByteText) {
        text.span.withUnsafeBytes { source in
            guard let first = source.baseAddress else { return }
            (base + count).copyMemory(from: first, byteCount: source.count)
        }
        count &+= text.count
    }

    // MARK: Writing in place

    /// Appends `length` bytes whose value is written later.
    @inline(__always)
    mutating func skip(_ length: Int) {
        reserve(length)
        count &+= length
    }

    /// Writes inside what is there already.
    @inline(__always)
    mutating func store32(_ value: Int32, at offset: Int) {
        precondition(offset >= 0 && offset &+ 4 <= count)
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Int32.self)
    }

    @inline(__always)
    mutating func store16(_ value: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset &+ 2 <= count)
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    @inline(__always)
    func load16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset &+ 2 <= count)
        return UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// Takes `length` bytes out at `offset`; what follows moves up.
    mutating func remove(at offset: Int, _ length: Int) {
        precondition(offset >= 0 && length >= 0 && offset &+ length <= count)
        (base + offset).copyMemory(from: base + offset + length, byteCount: count - offset - length)
        count -= length
    }

    /// Puts two bytes in at `offset`; what follows moves down.
    mutating func insert16(_ value: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset <= count)
        reserve(2)
        (base + offset + 2).copyMemory(from: base + offset, byteCount: count - offset)
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
        count += 2
    }

    // MARK: Reading

    /// Gives the bytes of a range out for the time of the call.
    func withUnsafeBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }
}
