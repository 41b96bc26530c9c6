import Records

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

    /// Appends a slice for each of `count` strings that has arrived.
    static func read(
        _ bytes: Span<UInt8>, from start: Int, count: Int, shift: Int, _ limits: ReplyLimits, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> FieldRun {
        let total = bytes.count
        var position = start
        var left = count
        while left > 0 {
            var length = shortLength(bytes, at: position)
            var first = position + (length < 10 ? 4 : 5)
            if length < 0 {
                var cursor = ReplyCursor(bytes, at: position, shift: shift)
                guard let long = try cursor.bulkHeader(limits) else { break }
                guard long >= 0 else { throw cursor.violation("nil where a string must be") }
                length = long
                first = cursor.position
            }
            let last = first + length
            guard last + 2 <= total else {
                let least = last + 2 + (left - 1) * leastBytes
                return FieldRun(isComplete: false, end: position, leastEnd: least)
            }
            guard bytes[last] == Ascii.carriageReturn, bytes[last + 1] == Ascii.lineFeed else {
                throw ProtocolViolation("a string without its line end", offset: last + shift)
            }
            block.appendSlice(offset: first, length: length)
            position = last + 2
            left -= 1
        }
        return FieldRun(isComplete: left == 0, end: position, leastEnd: position + left * leastBytes)
    }

    /// The length in a header of one or two digits, which nearly all are; -1 for any other, or none yet.
    @inline(__always)
    private static func shortLength(_ bytes: Span<UInt8>, at position: Int) -> Int {
        guard position + 5 <= bytes.count, bytes[position] == Ascii.bulk else { return -1 }
        let tens = Int(bytes[position + 1] &- Ascii.zero)
        guard tens <= 9 else { return -1 }
        let second = bytes[position + 2]
        if second == Ascii.carriageReturn {
            return bytes[position + 3] == Ascii.lineFeed ? tens : -1
        }
        let ones = Int(second &- Ascii.zero)
        // A leading zero would be taken for a one-digit header by the caller.
        guard ones <= 9, tens > 0, bytes[position + 3] == Ascii.carriageReturn,
            bytes[position + 4] == Ascii.lineFeed
        else { return -1 }
        return tens * 10 + ones
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
                return pause(body, min(body.fieldBytes, 64 << 10))
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
