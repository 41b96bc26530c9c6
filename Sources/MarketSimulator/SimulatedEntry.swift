public import Records

/// One stream entry, made to be filled again and again: names and values lie in one buffer.
public struct SimulatedEntry: Equatable, Sendable {
    /// The stream it is meant for.
    public internal(set) var stream = StreamKey("")
    private var bytes: [UInt8] = []
    /// Where each name and each value ends, alternating.
    private var ends: [Int] = []

    public init() {}

    /// An entry of given fields.
    public init(stream: StreamKey, fields: [(name: [UInt8], value: [UInt8])]) {
        self.stream = stream
        for field in fields {
            append(field.name)
            append(field.value)
        }
    }

    public var pairCount: Int { ends.count / 2 }

    /// Bytes of all names and values.
    public var byteCount: Int { bytes.count }

    /// - Precondition: `pair` is below ``pairCount``.
    @_lifetime(borrow self)
    public func name(_ pair: Int) -> Span<UInt8> { bytes.span.extracting(range(2 * pair)) }

    /// - Precondition: `pair` is below ``pairCount``.
    @_lifetime(borrow self)
    public func value(_ pair: Int) -> Span<UInt8> { bytes.span.extracting(range(2 * pair + 1)) }

    /// The fields as text, with U+FFFD for what is not UTF-8; for tests and for people.
    public var texts: [(name: String, value: String)] {
        (0..<pairCount).map { pair in
            let name = String(decoding: bytes[range(2 * pair)], as: UTF8.self)
            return (name, String(decoding: bytes[range(2 * pair + 1)], as: UTF8.self))
        }
    }

    private func range(_ part: Int) -> Range<Int> {
        (part == 0 ? 0 : ends[part - 1])..<ends[part]
    }

    private mutating func append(_ part: [UInt8]) {
        bytes.append(contentsOf: part)
        ends.append(bytes.count)
    }
}

// MARK: - Filling

extension SimulatedEntry {
    /// Empties the entry; its buffer stays.
    mutating func begin(_ stream: StreamKey) {
        self.stream = stream
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Appends a name; what is written until ``endValue()`` is its value.
    mutating func name(_ name: StaticString) {
        write(name)
        ends.append(bytes.count)
    }

    mutating func endValue() {
        ends.append(bytes.count)
    }

    mutating func field(_ name: StaticString, _ value: StaticString) {
        self.name(name)
        write(value)
        endValue()
    }

    mutating func field(_ name: StaticString, _ value: [UInt8]) {
        self.name(name)
        bytes.append(contentsOf: value)
        endValue()
    }

    mutating func field(_ name: StaticString, decimal units: Int64, decimals: Int) {
        self.name(name)
        write(decimal: units, decimals: decimals)
        endValue()
    }

    mutating func write(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ part: [UInt8]) {
        bytes.append(contentsOf: part)
    }

    /// `units` times ten to the power of `-decimals`, with all decimals: 1234 with 2 is `12.34`.
    /// - Precondition: `decimals` is at most 18.
    mutating func write(decimal units: Int64, decimals: Int) {
        // Digits come from the right: collected in a small buffer, then copied at once.
        var digits = InlineArray<24, UInt8>(repeating: UInt8(ascii: "0"))
        var position = 24
        var rest = units.magnitude
        var written = 0
        repeat {
            if written == decimals, decimals > 0 {
                position -= 1
                digits[position] = UInt8(ascii: ".")
            }
            position -= 1
            digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            written += 1
        } while rest > 0 || written <= decimals
        if units < 0 {
            position -= 1
            digits[position] = UInt8(ascii: "-")
        }
        digits.span.extracting(position...).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    }
}
