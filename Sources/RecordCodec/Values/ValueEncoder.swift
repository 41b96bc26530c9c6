import Records

/// Writes values as the server's binary format has them: a length, then the bytes.
///
/// Every encoder is total: whatever the bytes are, it writes one field or says why not. After a reason the buffer may
/// hold part of a field; whoever called cuts it back.
struct ValueEncoder {
    let limits: CodecLimits
    /// The time written last, in microseconds since 1970-01-01 UTC.
    var time: Int64 = 0

    init(limits: CodecLimits) {
        self.limits = limits
    }

    /// Writes one value; `nil`, or why it is none.
    @inline(__always)
    mutating func encode(_ text: ByteText, as kind: ValueKind, into out: inout CopyBuffer) -> Rejection.Reason? {
        switch kind {
        case .scalar(let scalar): return encode(text, as: scalar, into: &out)
        case .book(let shape):
            return text.count > limits.maxValueBytes ? .tooLarge : encodeBook(text, shape, into: &out)
        case .array(let element, let oid):
            return text.count > limits.maxValueBytes ? .tooLarge : encodeArray(text, of: element, oid, into: &out)
        }
    }

    @inline(__always)
    mutating func encode(_ text: ByteText, as kind: ScalarKind, into out: inout CopyBuffer) -> Rejection.Reason? {
        if text.count > limits.maxValueBytes { return .tooLarge }
        switch kind {
        case .text(let maxCharacters): return TextValue.encode(text, maxCharacters: maxCharacters, into: &out)
        case .numeric(let shape): return NumericValue.encode(text, shape, into: &out)
        case .time(let reading, let target): return encodeTime(text, reading, target, into: &out)
        case .integer(let width, let rounds): return IntegerValue.encode(text, width, rounds: rounds, into: &out)
        case .float4: return FloatValue.encode4(text, into: &out)
        case .float8: return FloatValue.encode8(text, into: &out)
        case .bool: return BooleanValue.encode(text, into: &out)
        case .json(let binary): return encodeJSON(text, binary: binary, into: &out)
        case .uuid: return UUIDValue.encode(text, into: &out)
        case .bytea: return BytesValue.encode(text, into: &out)
        case .interval: return IntervalValue.encode(text, into: &out)
        }
    }
}

/// A text that is built byte by byte, and can then be read like any other.
struct ScratchText {
    private var storage: [UInt8] = []

    mutating func removeAll() { storage.removeAll(keepingCapacity: true) }
    mutating func append(_ byte: UInt8) { storage.append(byte) }
    mutating func append(_ id: StreamID) { id.append(to: &storage) }

    /// Adds the slack; nothing may be appended afterwards, and ``text`` may be read.
    mutating func finish() {
        for _ in 0..<ByteText.slack { storage.append(0) }
    }

    var text: ByteText {
        @_lifetime(borrow self) get {
            ByteText(storage.span.bytes, start: 0, count: storage.count - ByteText.slack)
        }
    }
}
