/// Finds the end of an ordinary reply as its bytes arrive, holding it to the limits, and then makes a ``RedisValue``.
///
/// It remembers how far it came, so a reply that arrives in many pieces is looked at once.
struct ReplyScanner {
    let limits: ReplyLimits
    /// Where the reply starts and where the next element does.
    private let start: Int
    private var position: Int
    /// How many elements are still to come in each open array; the outermost "array" is the reply itself.
    private var open: [Int] = [1]
    /// How many elements were announced in all: small ones would otherwise multiply the reply's size in memory.
    private var announced = 0

    init(limits: ReplyLimits, at start: Int) {
        self.limits = limits
        self.start = start
        position = start
    }

    /// Goes on through what is there; the end of the reply, or `nil` when more bytes are needed.
    mutating func scan(_ bytes: Span<UInt8>) throws(ProtocolViolation) -> Int? {
        var cursor = ReplyCursor(bytes, at: position, shift: -start)
        while let left = open.last {
            guard left > 0 else {
                open.removeLast()
                continue
            }
            guard let children = try element(&cursor) else { break }
            position = cursor.position
            open[open.count - 1] -= 1
            if children > 0 {
                guard open.count <= limits.depth else { throw cursor.violation("arrays nested too deeply") }
                announced += children
                guard announced <= limits.elements else { throw cursor.violation("too many elements") }
                open.append(children)
            }
        }
        let isComplete = open.isEmpty
        guard (isComplete ? position : bytes.count) - start <= limits.replyBytes else {
            throw cursor.violation("a reply too large")
        }
        return isComplete ? position : nil
    }

    /// Goes past one element, and tells how many elements it announces.
    private func element(_ cursor: inout ReplyCursor) throws(ProtocolViolation) -> Int? {
        guard let type = cursor.type else { return nil }
        switch type {
        case Ascii.bulk:
            let before = cursor.position
            guard let length = try cursor.bulkHeader(limits) else { return nil }
            guard length >= 0 else { return 0 }
            guard length <= limits.replyBytes else { throw cursor.violation("a reply too large") }
            cursor.position = before
            return try cursor.bulk(limits) == nil ? nil : 0
        case Ascii.integer: return try cursor.number() == nil ? nil : 0
        case Ascii.simple, Ascii.error: return try cursor.line(limits) == nil ? nil : 0
        case Ascii.array: return try cursor.arrayHeader(limits).map { max($0, 0) }
        default: throw cursor.violation(ReplyCursor.complaint(type, "a reply"))
        }
    }
}

extension RedisValue {
    /// Reads one element that a ``ReplyScanner`` has found complete; `nil` only if it has not.
    static func read(_ cursor: inout ReplyCursor, limits: ReplyLimits) throws(ProtocolViolation) -> RedisValue? {
        guard let type = cursor.type else { return nil }
        switch type {
        case Ascii.bulk:
            let before = cursor.position
            guard let length = try cursor.bulkHeader(limits) else { return nil }
            guard length >= 0 else { return .null }
            cursor.position = before
            guard let range = try cursor.bulk(limits) else { return nil }
            return .bulk(cursor.bytes.copy(range))
        case Ascii.integer: return try cursor.number().map { .integer($0) }
        case Ascii.simple:
            guard let range = try cursor.line(limits) else { return nil }
            return .simple(String(decoding: cursor.bytes.copy(range), as: UTF8.self))
        case Ascii.error:
            guard let range = try cursor.line(limits) else { return nil }
            return .error(ServerError(line: cursor.bytes.extracting(range)))
        case Ascii.array: return try array(&cursor, limits: limits)
        default: throw cursor.violation(ReplyCursor.complaint(type, "a reply"))
        }
    }

    /// The scanner has bounded the depth.
    private static func array(
        _ cursor: inout ReplyCursor, limits: ReplyLimits
    ) throws(ProtocolViolation) -> RedisValue? {
        guard let count = try cursor.arrayHeader(limits) else { return nil }
        guard count >= 0 else { return .null }
        var elements: [RedisValue] = []
        for _ in 0..<count {
            guard let element = try read(&cursor, limits: limits) else { return nil }
            elements.append(element)
        }
        return .array(elements)
    }
}

extension Span<UInt8> {
    func copy(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBufferPointer { Array($0) }
    }
}
