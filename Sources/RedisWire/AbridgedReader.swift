/// Makes a ``RedisValue`` of an ordinary reply in bounded memory, whatever strings and arrays of strings it holds.
///
/// For replies that show entries which nobody asked for, as XINFO STREAM does: of every string the first bytes are
/// kept, of every array the first strings, and what is left out is read past as it arrives. All else is kept, within
/// the limits.
struct AbridgedReader {
    /// Bytes kept of one string.
    static let stringBytes = 4 << 10
    /// Strings kept of one array.
    static let stringsEach = 64

    private struct OpenArray {
        /// Elements still to come.
        var left: Int
        var elements: [RedisValue] = []
        var strings = 0
    }

    private let limits: ReplyLimits
    /// The outermost "array" is the reply itself.
    private var open = [OpenArray(left: 1)]
    /// Bytes still to come of a string whose beginning was read, its line end included.
    private var passing = 0
    private var keptElements = 0
    private var keptBytes = 0
    /// Bytes of the reply that were read.
    private var consumed = 0

    init(limits: ReplyLimits) {
        self.limits = limits
    }

    /// Goes on through what is there.
    /// - Returns: the value once it is complete, and where the bytes begin that are still needed.
    mutating func read(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProtocolViolation) -> (value: RedisValue?, end: Int) {
        var cursor = ReplyCursor(bytes, at: start, shift: consumed - start)
        var value: RedisValue?
        while try pass(&cursor) {
            value = closeArrays()
            guard value == nil, try element(&cursor) else { break }
        }
        consumed += cursor.position - start
        return (value, cursor.position)
    }

    /// Goes past the rest of a string; `false` when it has not arrived to its end.
    private mutating func pass(_ cursor: inout ReplyCursor) throws(ProtocolViolation) -> Bool {
        guard passing > 0 else { return true }
        // The line end is looked at whole.
        let payload = min(passing - 2, cursor.bytes.count - cursor.position)
        cursor.position += payload
        passing -= payload
        guard passing == 2, cursor.bytes.count - cursor.position >= 2 else { return false }
        try cursor.lineEnd()
        passing = 0
        return true
    }

    /// Puts arrays whose elements are all there into the arrays around them; the reply when it is complete.
    private mutating func closeArrays() -> RedisValue? {
        while open[open.count - 1].left == 0 {
            let last = open.removeLast()
            guard !open.isEmpty else { return last.elements.first }
            open[open.count - 1].elements.append(.array(last.elements))
        }
        return nil
    }

    /// Reads one element, of a string its beginning; `false` when that has not arrived.
    private mutating func element(_ cursor: inout ReplyCursor) throws(ProtocolViolation) -> Bool {
        guard let type = cursor.type else { return false }
        let start = cursor.position
        switch type {
        case Ascii.bulk: return try string(&cursor)
        case Ascii.array:
            guard let count = try cursor.longArrayHeader() else { return false }
            if count >= 0 {
                guard open.count <= limits.depth else { throw cursor.violation("arrays nested too deeply") }
                try account(cursor, from: start)
                open[open.count - 1].left -= 1
                open.append(OpenArray(left: count))
            } else {
                try keep(.null, cursor, from: start)
            }
        default:
            guard let value = try RedisValue.read(&cursor, limits: limits) else { return false }
            try keep(value, cursor, from: start)
        }
        return true
    }

    private mutating func string(_ cursor: inout ReplyCursor) throws(ProtocolViolation) -> Bool {
        let start = cursor.position
        guard let length = try cursor.bulkHeader(limits) else { return false }
        guard length >= 0 else {
            try keep(.null, cursor, from: start)
            return true
        }
        let isLeftOut = open[open.count - 1].strings >= Self.stringsEach
        let kept = isLeftOut ? 0 : min(length, Self.stringBytes)
        guard cursor.bytes.count - cursor.position >= kept else {
            cursor.position = start
            return false
        }
        let range = cursor.position..<(cursor.position + kept)
        cursor.position = range.upperBound
        passing = length - kept + 2
        if isLeftOut {
            open[open.count - 1].left -= 1
        } else {
            open[open.count - 1].strings += 1
            try keep(.bulk(cursor.bytes.copy(range)), cursor, from: start)
        }
        return true
    }

    private mutating func keep(
        _ value: RedisValue, _ cursor: borrowing ReplyCursor, from start: Int
    ) throws(ProtocolViolation) {
        try account(cursor, from: start)
        open[open.count - 1].left -= 1
        open[open.count - 1].elements.append(value)
    }

    private mutating func account(_ cursor: borrowing ReplyCursor, from start: Int) throws(ProtocolViolation) {
        keptElements += 1
        keptBytes += cursor.position - start
        guard keptElements <= limits.elements else { throw cursor.violation("too many elements") }
        guard keptBytes <= limits.replyBytes else { throw cursor.violation("a reply too large") }
    }
}
