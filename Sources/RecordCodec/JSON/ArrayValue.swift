import Records

extension ValueEncoder {
    /// An array of one dimension, from a JSON array or from PostgreSQL's `{a,"b c",NULL}`.
    mutating func encodeArray(
        _ text: ByteText, of element: ScalarKind, _ elementOID: UInt32, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        let start = out.count
        var header = ArrayHeader(elementOID: elementOID)
        header.append(&out)
        var cursor = JSONCursor(text)
        cursor.skipBlanks()
        let reason: Rejection.Reason?
        if cursor.byte == UInt8(ascii: "[") {
            reason = encodeJSONElements(text, cursor.index, element, &header, into: &out)
        } else if cursor.byte == UInt8(ascii: "{") {
            reason = encodeLiteral(text, cursor.index + 1, element, &header, into: &out)
        } else {
            reason = .invalidArray
        }
        header.finish(&out, start: start)
        return reason
    }

    private mutating func encodeJSONElements(
        _ text: ByteText, _ start: Int, _ kind: ScalarKind, _ header: inout ArrayHeader, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var walk = JSONWalk(JSONCursor(text, at: start), maxDepth: limits.maxJSONDepth)
        var child = JSONDocument.Child()
        while true {
            if let reason = walk.next(&child) { return reason == .invalidJSON ? .invalidArray : reason }
            if walk.isDone { return walk.end() == nil ? nil : .invalidArray }
            let element = text.slice(child.lower, child.upper)
            if let reason = encodeJSONElement(element, kind, &header, into: &out) { return reason }
        }
    }

    private mutating func encodeJSONElement(
        _ element: ByteText, _ kind: ScalarKind, _ header: inout ArrayHeader, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        if case .json = kind { return encodeElement(element, kind, &header, into: &out) }
        switch element[0] {
        case UInt8(ascii: "n"):
            header.appendNull(&out)
            return nil
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            return .invalidArray
        case UInt8(ascii: "\""):
            return encodeQuoted(element.slice(1, element.count - 1), kind, &header, into: &out)
        default:
            return encodeElement(element, kind, &header, into: &out)
        }
    }

    private mutating func encodeQuoted(
        _ inside: ByteText, _ kind: ScalarKind, _ header: inout ArrayHeader, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        guard inside.contains(UInt8(ascii: "\\")) else { return encodeElement(inside, kind, &header, into: &out) }
        var built = ScratchText()
        built.appendUnescaped(inside)
        built.finish()
        return encodeElement(built.text, kind, &header, into: &out)
    }

    private mutating func encodeElement(
        _ element: ByteText, _ kind: ScalarKind, _ header: inout ArrayHeader, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        header.count += 1
        return encode(element, as: kind, into: &out)
    }

    // MARK: {a,b}

    private mutating func encodeLiteral(
        _ text: ByteText, _ start: Int, _ kind: ScalarKind, _ header: inout ArrayHeader, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var reader = ArrayLiteral(text, start)
        while true {
            switch reader.next() {
            case .broken: return .invalidArray
            case .end: return nil
            case .null: header.appendNull(&out)
            case .plain(let lower, let upper):
                if let reason = encodeElement(text.slice(lower, upper), kind, &header, into: &out) { return reason }
            case .escaped(let lower, let upper):
                var built = ScratchText()
                built.appendWithoutBackslashes(text.slice(lower, upper))
                built.finish()
                if let reason = encodeElement(built.text, kind, &header, into: &out) { return reason }
            }
        }
    }
}

/// The front of an array field; the number of elements is known only at the end.
struct ArrayHeader {
    let elementOID: UInt32
    var count: Int32 = 0
    private var hasNulls = false
    private static let bytes = 24

    init(elementOID: UInt32) {
        self.elementOID = elementOID
    }

    /// Length, dimensions, flags, element type, size and lower bound; filled in by ``finish(_:start:)``.
    func append(_ out: inout CopyBuffer) {
        out.skip(ArrayHeader.bytes)
    }

    mutating func appendNull(_ out: inout CopyBuffer) {
        hasNulls = true
        count += 1
        out.append32(-1)
    }

    func finish(_ out: inout CopyBuffer, start: Int) {
        // An empty array has no dimension, so neither size nor lower bound.
        if count == 0 { out.truncate(to: start + ArrayHeader.bytes - 8) }
        out.store32(Int32(truncatingIfNeeded: out.count - start - 4), at: start)
        out.store32(count == 0 ? 0 : 1, at: start + 4)
        out.store32(hasNulls ? 1 : 0, at: start + 8)
        out.store32(Int32(bitPattern: elementOID), at: start + 12)
        guard count > 0 else { return }
        out.store32(count, at: start + 16)
        out.store32(1, at: start + 20)
    }
}
