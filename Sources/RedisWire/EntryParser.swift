public import Records

/// Turns a reply of stream entries into the slices of an ``EntryBlock``, without copying a byte.
///
/// It works on whatever has arrived: call ``parse(_:into:)`` with all bytes that are in the buffer, do what it says,
/// read more and call again. Only the entry whose end is missing is looked at twice. Entries that would take the reply
/// beyond ``ReplyLimits/keptBytes``, or have more names and values than ``ReplyLimits/elements``, are read past in
/// bounded memory and become `.skipped(byteCount:)`; which ones depends on the reply alone, not on the pieces it
/// arrives in.
///
/// No reply makes it trap: lengths that are negative, overflow or exceed a limit, and RESP3's types, are a
/// ``ProtocolViolation``.
public struct EntryParser: Sendable {
    /// Which command's reply it is.
    public enum Shape: Equatable, Sendable {
        /// XREADGROUP or XREAD: nil, or an array of key and entries.
        case streams
        /// XRANGE or XREVRANGE of this stream: an array of entries.
        case range(of: StreamKey)
    }

    public enum Progress: Equatable, Sendable {
        /// The reply ends before this position. The block still needs its bytes (``EntryBlock/adopt(bytes:)``).
        case complete(end: Int)
        /// The reply is nil: there were no entries.
        case nothing(end: Int)
        /// An error instead of entries.
        case refused(ServerError, end: Int)
        /// Call again once so many bytes more have arrived.
        case needsMore(atLeast: Int)
        /// Nothing points to these bytes. Remove them, moving what is behind them down, and call again.
        case discard(Range<Int>)
    }

    enum Stage: Equatable, Sendable {
        case reply, stream, entry, past(SkippedBody), done
    }

    let shape: Shape
    let limits: ReplyLimits
    var stage: Stage = .reply
    /// Where the next element starts in the buffer.
    var position: Int
    /// Where the bytes that slices may point to end; between here and `position` lies what was read past.
    var keptEnd: Int
    /// Bytes up to ``ReplyLimits/keptBytes``.
    var room: Int
    /// What to add to a position for its place in the reply.
    var shift: Int
    var streamsLeft = 0
    var entriesLeft = 0
    var headerBytes = 0

    /// - Parameter start: where in the buffer the reply begins.
    public init(_ shape: Shape, limits: ReplyLimits = ReplyLimits(), at start: Int = 0) {
        self.shape = shape
        self.limits = limits
        position = start
        keptEnd = start
        room = limits.keptBytes
        shift = -start
    }

    /// Goes on through what is in the buffer.
    /// - Parameter bytes: all that arrived, without slack, discarded ranges gone.
    /// - Throws: ``ProtocolViolation``; the connection is then of no further use.
    public mutating func parse(
        _ bytes: Span<UInt8>, into block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress {
        while true {
            switch stage {
            case .reply:
                if let progress = try replyHeader(bytes, &block) { return progress }
            case .stream:
                if let progress = try streamHeader(bytes, &block) { return progress }
            case .entry:
                if let progress = try entries(bytes, &block) { return progress }
            case .past(var body):
                let progress = try pass(&body, bytes, &block)
                if let progress { return progress }
            case .done:
                return .complete(end: position)
            }
        }
    }

    // MARK: Headers

    private mutating func replyHeader(
        _ bytes: Span<UInt8>, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress? {
        var cursor = ReplyCursor(bytes, at: position, shift: shift)
        guard let type = cursor.type else { return .needsMore(atLeast: 1) }
        if type == Ascii.error {
            guard let range = try cursor.line(limits) else { return .needsMore(atLeast: 1) }
            return .refused(ServerError(line: bytes.extracting(range)), end: cursor.position)
        }
        if type == Ascii.bulk {
            guard let length = try cursor.bulkHeader(limits) else { return .needsMore(atLeast: 1) }
            guard length == -1 else { throw cursor.violation("a string where entries must be") }
            return .nothing(end: cursor.position)
        }
        guard let count = try cursor.arrayHeader(limits) else { return .needsMore(atLeast: 1) }
        guard count >= 0 else { return .nothing(end: cursor.position) }
        try keepHeader(to: cursor.position)
        switch shape {
        case .streams:
            streamsLeft = count
            stage = count == 0 ? .done : .stream
        case .range(let key):
            block.beginStream(key)
            entriesLeft = count
            stage = .entry
        }
        return nil
    }

    private mutating func streamHeader(
        _ bytes: Span<UInt8>, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress? {
        var cursor = ReplyCursor(bytes, at: position, shift: shift)
        guard let pair = try cursor.arrayHeader(limits) else { return incomplete(1) }
        guard pair == 2 else { throw cursor.violation("a stream that is not key and entries") }
        guard let key = try cursor.bulk(limits), let count = try cursor.arrayHeader(limits) else {
            guard bytes.count - position <= limits.keptBytes else { throw cursor.violation("a key too large") }
            return incomplete(1)
        }
        guard count >= 0 else { throw cursor.violation("nil where entries must be") }
        block.beginStream(StreamKey(bytes: bytes.copy(key)))
        streamsLeft -= 1
        entriesLeft = count
        stage = .entry
        try keepHeader(to: cursor.position)
        return nil
    }

    /// Leaves a header behind. It stays in the buffer when what precedes it does: moving bytes would cost more.
    private mutating func keepHeader(to end: Int) throws(ProtocolViolation) {
        headerBytes += end - position
        guard headerBytes <= limits.keptBytes else {
            throw ProtocolViolation("keys too large", offset: position + shift)
        }
        if keptEnd == position { keptEnd = end }
        position = end
    }

    // MARK: Entries

    private mutating func entries(
        _ bytes: Span<UInt8>, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress? {
        while entriesLeft > 0 {
            if let progress = try entry(bytes, &block) { return progress }
            guard stage == .entry else { return nil }
        }
        block.endStream()
        stage = streamsLeft == 0 ? .done : .stream
        return nil
    }

    /// One entry: kept, deleted, or (when it cannot be kept) the start of reading past it.
    private mutating func entry(
        _ bytes: Span<UInt8>, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress? {
        if let head = EntryHead.read(bytes, at: position) { return try fields(head, bytes, &block) }
        var cursor = ReplyCursor(bytes, at: position, shift: shift)
        guard let pair = try cursor.arrayHeader(limits) else { return incomplete(1) }
        guard pair == 2 else { throw cursor.violation("an entry that is not id and fields") }
        guard let idRange = try cursor.bulk(limits) else {
            guard bytes.count - position < 128 else { throw cursor.violation("an impossible id") }
            return incomplete(1)
        }
        guard let id = StreamID(ascii: bytes.extracting(idRange)) else { throw cursor.violation("an impossible id") }
        let body = cursor.position
        guard let count = try fieldCount(&cursor) else { return incomplete(1) }
        guard count >= 0 else {
            block.beginEntry(id)
            endDeleted(at: cursor.position, &block)
            return nil
        }
        let head = EntryHead(id: id, body: body, firstField: cursor.position, count: count)
        guard count <= limits.elements else {
            skip(head, &block)
            return nil
        }
        return try fields(head, bytes, &block)
    }

    @inline(__always)
    private mutating func fields(
        _ head: EntryHead, _ bytes: Span<UInt8>, _ block: inout EntryBlock
    ) throws(ProtocolViolation) -> Progress? {
        block.beginEntry(head.id)
        let fields = try FieldRun.read(bytes, from: head.firstField, count: head.count, shift: shift, limits, &block)
        if fields.isComplete, fields.end - position <= room {
            return keep(head.body..<fields.end, &block)
        }
        block.cancelEntry()
        if fields.leastEnd - position <= room { return incomplete(max(1, fields.leastEnd - bytes.count)) }
        skip(head, &block)
        return nil
    }

    /// The entry cannot be kept: its fields are read past.
    private mutating func skip(_ head: EntryHead, _ block: inout EntryBlock) {
        block.beginEntry(head.id)
        stage = .past(SkippedBody(fieldsLeft: head.count, byteCount: head.firstField - head.body))
        position = head.firstField
    }

    /// How many names and values follow; -1 when the entry was deleted.
    private func fieldCount(_ cursor: inout ReplyCursor) throws(ProtocolViolation) -> Int? {
        if cursor.type == Ascii.bulk {
            guard let length = try cursor.bulkHeader(limits) else { return nil }
            guard length == -1 else { throw cursor.violation("a string where fields must be") }
            return -1
        }
        let start = cursor.position
        // However many there are, the reply can be read: a violation would come again with every try.
        guard let count = try cursor.longArrayHeader() else { return nil }
        guard count == -1 || count.isMultiple(of: 2) else {
            throw ProtocolViolation("a name without a value", offset: start + shift)
        }
        return count
    }

    /// Keeps the entry that begins at `position`, unless bytes before it must go first.
    private mutating func keep(_ raw: Range<Int>, _ block: inout EntryBlock) -> Progress? {
        guard keptEnd == position else {
            block.cancelEntry()
            return incomplete(1)
        }
        room -= raw.upperBound - position
        keptEnd = raw.upperBound
        end(.kept, at: raw.upperBound, raw: raw, &block)
        return nil
    }

    /// A deleted entry's few bytes stay in the buffer while there is room: moving what is behind them would cost more.
    private mutating func endDeleted(at end: Int, _ block: inout EntryBlock) {
        let length = end - position
        if length <= room {
            room -= length
            if keptEnd == position { keptEnd = end }
        }
        self.end(.deleted, at: end, raw: 0..<0, &block)
    }

    mutating func end(_ body: EntryBlock.Body, at end: Int, raw: Range<Int>, _ block: inout EntryBlock) {
        block.endEntry(raw: EntryBlock.Slice(offset: raw.lowerBound, length: raw.count), body: body)
        position = end
        entriesLeft -= 1
    }

    /// Asks for more bytes; before that, for the removal of those that nothing points to.
    mutating func incomplete(_ count: Int) -> Progress {
        guard keptEnd < position else { return .needsMore(atLeast: count) }
        let gone = keptEnd..<position
        shift += gone.count
        position = keptEnd
        return .discard(gone)
    }
}
