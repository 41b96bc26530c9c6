import Records

/// Headers of one or two digits, which nearly all are, read eight bytes at a time.
enum ShortHeader {
    /// Bytes that must be there.
    static let window = 8

    /// The number in `<type><digits>\r\n`; -1 for anything longer or wrong. Its header takes ``length(of:)`` bytes.
    @inline(__always)
    static func number(_ word: UInt64, type: UInt8) -> Int {
        let first = (word >> 8) & 0xFF &- 0x30
        if word & 0xFFFF_00FF == 0x0A0D_0000 | UInt64(type) {
            return first <= 9 ? Int(truncatingIfNeeded: first) : -1
        }
        let second = (word >> 16) & 0xFF &- 0x30
        // A leading zero would be taken for a header of one digit.
        guard word & 0xFF_FF00_00FF == 0x0A_0D00_0000 | UInt64(type), first &- 1 <= 8, second <= 9 else { return -1 }
        return Int(truncatingIfNeeded: first &* 10 &+ second)
    }

    @inline(__always)
    static func length(of number: Int) -> Int { number < 10 ? 4 : 5 }
}

/// The hot loop: the names and values of one entry.
struct FieldRun {
    /// Whether all of them have arrived.
    let isComplete: Bool
    /// Behind the last one that has arrived.
    let end: Int
    /// The entry does not end before this.
    let leastEnd: Int

    /// The shortest string: `$0\r\n\r\n`.
    private static let leastBytes = 6
    /// `\r\n`, as it is loaded.
    private static let lineEnd: UInt16 = 0x0A0D

    /// Appends a slice for each of `count` strings that has arrived.
    static func read(
        _ bytes: Span<UInt8>, from start: Int, count: Int, shift: Int, _ limits: ReplyLimits, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> FieldRun {
        let raw = bytes.bytes
        let total = raw.byteCount
        var position = start
        var left = count
        while left > 0 {
            var length = -1
            if position &+ ShortHeader.window <= total {
                let word = raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
                length = ShortHeader.number(UInt64(littleEndian: word), type: Ascii.bulk)
            }
            var first = position &+ ShortHeader.length(of: length)
            if length < 0 {
                guard let range = try slow(bytes, position, shift, limits) else { break }
                (first, length) = range
            }
            let last = first &+ length
            guard last &+ 2 <= total else {
                return FieldRun(isComplete: false, end: position, leastEnd: last + 2 + (left - 1) * leastBytes)
            }
            guard raw.unsafeLoadUnaligned(fromByteOffset: last, as: UInt16.self) == lineEnd.littleEndian else {
                throw ProtocolViolation("a string without its line end", offset: last + shift)
            }
            block.appendSlice(offset: first, length: length)
            position = last &+ 2
            left &-= 1
        }
        return FieldRun(isComplete: left == 0, end: position, leastEnd: position + left * leastBytes)
    }

    /// Any header: where the string begins and how long it is; `nil` while the header is incomplete.
    @inline(never)
    private static func slow(
        _ bytes: Span<UInt8>, _ position: Int, _ shift: Int, _ limits: ReplyLimits
    ) throws(ProtocolViolation) -> (first: Int, length: Int)? {
        var cursor = ReplyCursor(bytes, at: position, shift: shift)
        guard let length = try cursor.bulkHeader(limits) else { return nil }
        guard length >= 0 else { throw cursor.violation("nil where a string must be") }
        return (cursor.position, length)
    }
}

/// An entry's beginning in its usual form: `*2\r\n$dd\r\n<ms>-<seq>\r\n*dd\r\n`.
struct EntryHead {
    let id: StreamID
    /// Where the array of fields begins, and its first string.
    let body: Int
    let firstField: Int
    let count: Int

    /// `*2\r\n`, as it is loaded.
    private static let pair: UInt32 = 0x0A0D_322A

    /// `nil` when the head is unusual, incomplete or wrong: then it is read step by step.
    @inline(__always)
    static func read(_ bytes: Span<UInt8>, at position: Int) -> EntryHead? {
        let raw = bytes.bytes
        guard position + 64 <= raw.byteCount else { return nil }
        guard raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self) == pair.littleEndian else {
            return nil
        }
        let idWord = raw.unsafeLoadUnaligned(fromByteOffset: position + 4, as: UInt64.self)
        let idLength = ShortHeader.number(UInt64(littleEndian: idWord), type: Ascii.bulk)
        guard idLength >= 3, idLength <= 40 else { return nil }
        var index = position + 4 + ShortHeader.length(of: idLength)
        let end = index + idLength
        guard let milliseconds = digits(raw, &index, upTo: end), index < end,
            raw.unsafeLoad(fromByteOffset: index, as: UInt8.self) == Ascii.minus
        else { return nil }
        index += 1
        guard let sequence = digits(raw, &index, upTo: end), index == end,
            raw.unsafeLoadUnaligned(fromByteOffset: end, as: UInt16.self) == UInt16(0x0A0D).littleEndian
        else { return nil }
        let body = end + 2
        guard body + ShortHeader.window <= raw.byteCount else { return nil }
        let word = raw.unsafeLoadUnaligned(fromByteOffset: body, as: UInt64.self)
        let count = ShortHeader.number(UInt64(littleEndian: word), type: Ascii.array)
        guard count >= 0, count & 1 == 0 else { return nil }
        return EntryHead(
            id: StreamID(milliseconds: milliseconds, sequence: sequence), body: body,
            firstField: body + ShortHeader.length(of: count), count: count)
    }

    /// 1 to 18 digits, which cannot overflow.
    @inline(__always)
    private static func digits(_ raw: RawSpan, _ index: inout Int, upTo end: Int) -> UInt64? {
        let start = index
        var value: UInt64 = 0
        while index < end {
            let digit = raw.unsafeLoad(fromByteOffset: index, as: UInt8.self) &- Ascii.zero
            guard digit <= 9 else { break }
            value = value &* 10 &+ UInt64(digit)
            index &+= 1
        }
        return index > start && index - start <= 18 ? value : nil
    }
}

/// An entry whose fields are read past: what of them is still to come.
struct SkippedBody: Equatable, Sendable {
    /// Names and values still to come, the one under way not counted.
    var fieldsLeft: Int
    /// Bytes of the one under way, line end included; 0 between two.
    var fieldBytes = 0
    /// Bytes of the fields so far, as RESP.
    var byteCount: Int

    init(fieldsLeft: Int, byteCount: Int) {
        self.fieldsLeft = fieldsLeft
        self.byteCount = byteCount
    }
}

extension EntryParser {
    /// Goes past an entry's fields, as far as they have arrived.
    mutating func pass(
        _ body: inout SkippedBody, _ bytes: Span<UInt8>, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress? {
        while body.fieldsLeft > 0 || body.fieldBytes > 0 {
            if body.fieldBytes == 0 {
                var cursor = ReplyCursor(bytes, at: position, shift: shift)
                guard let length = try cursor.bulkHeader(limits) else { return pause(body, 1) }
                guard length >= 0 else { throw cursor.violation("nil where a string must be") }
                body.byteCount += cursor.position - position + length + 2
                body.fieldBytes = length + 2
                body.fieldsLeft -= 1
                position = cursor.position
            }
            // The line end is looked at whole.
            let payload = min(body.fieldBytes - 2, bytes.count - position)
            position += payload
            body.fieldBytes -= payload
            guard body.fieldBytes == 2, bytes.count - position >= 2 else {
                // Of the line end one byte may be there.
                return pause(body, min(body.fieldBytes - (bytes.count - position), 64 << 10))
            }
            var cursor = ReplyCursor(bytes, at: position, shift: shift)
            try cursor.lineEnd()
            position = cursor.position
            body.fieldBytes = 0
        }
        stage = .entry
        end(.skipped(byteCount: body.byteCount), at: position, raw: 0..<0, &block)
        return nil
    }

    private mutating func pause(_ body: SkippedBody, _ count: Int) -> Progress {
        stage = .past(body)
        return incomplete(count)
    }
}
