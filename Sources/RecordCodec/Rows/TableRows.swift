/// Rows on their way into one table: what `COPY table (columns) FROM STDIN (FORMAT binary)` wants to read.
///
/// A lane fills it through ``StreamEncoder``, calls ``finish()``, sends the bytes, and calls ``begin()`` for the next
/// batch; the memory is kept. Not `Sendable`: it belongs to one thread at a time.
public final class TableRows {
    /// The target as the mapping names it, `table` or `schema.table`, not quoted.
    public let table: String
    /// The columns of the COPY, in order, not quoted.
    public let columns: [String]
    /// Memory that survives ``begin()``; a larger buffer is given back.
    public var keptBytes = 4 << 20

    var contents = RowContents()
    private var isFinished = false

    /// One row of the buffer.
    public struct Row: Equatable, Sendable {
        /// Its first byte.
        public var offset: Int
        /// The index of its entry in the block it was encoded from.
        public var entry: Int
    }

    /// Makes an empty batch, ready for rows.
    public init(table: String, columns: [String]) {
        self.table = table
        self.columns = columns
        begin()
    }

    /// Makes an empty batch for the rows of a plan.
    public convenience init(for plan: RowPlan) {
        self.init(table: plan.table, columns: plan.columns)
    }

    /// Where each row begins, and which entry it came from.
    public var rows: [Row] { contents.rows }
    public var rowCount: Int { contents.rows.count }
    public var isEmpty: Bool { contents.rows.isEmpty }
    /// Bytes of the COPY stream so far, header included.
    public var byteCount: Int { contents.buffer.count }
    /// The times in the mapping's time column, in microseconds since 1970-01-01 UTC; `nil` without one.
    public var times: ClosedRange<Int64>? { contents.times }
    /// How many days (UTC) the rows' times fall on.
    public var distinctDays: Int { contents.days.count }
    /// Those days, counted from 1970, in no order.
    public var days: [Int32] { contents.days.all }
    /// The most days that one batch can be allowed (``CodecLimits/maxDistinctDays``).
    public static let maxDistinctDays = DayCounter.limit

    /// Empties the batch and writes the signature of a binary COPY.
    public func begin() {
        contents.reset(keeping: keptBytes)
        isFinished = false
        // "PGCOPY\n\377\r\n\0", no flags, no header extension.
        contents.buffer.append64(0x5047_434F_5059_0AFF)
        contents.buffer.append16(0x0D0A)
        contents.buffer.append8(0)
        contents.buffer.append64(0)
    }

    /// Writes the trailer. Further calls change nothing until ``begin()``.
    public func finish() {
        guard !isFinished else { return }
        isFinished = true
        contents.buffer.append16(0xFFFF)
    }

    /// Gives out the bytes of the whole COPY stream: header, rows and, after ``finish()``, the trailer.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try contents.buffer.withUnsafeBytes(0..<byteCount, body)
    }

    /// Gives out the bytes of some rows, without header and trailer: to send a batch again without a refused row.
    public func withUnsafeBytes<Result, Failure: Error>(
        ofRows range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard !range.isEmpty else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let rows = contents.rows
        let end = isFinished ? byteCount - TableRows.trailerBytes : byteCount
        let upper = range.upperBound < rows.count ? rows[range.upperBound].offset : end
        return try contents.buffer.withUnsafeBytes(rows[range.lowerBound].offset..<upper, body)
    }

    /// Signature, flags and the length of the header extension.
    public static let headerBytes = 19
    public static let trailerBytes = 2
}

/// What a batch holds. The encoder takes it out for the time of a run, so that it is written without asking for
/// exclusive access to the batch at every row.
struct RowContents: ~Copyable {
    var buffer = CopyBuffer()
    private(set) var rows: [TableRows.Row] = []
    private(set) var times: ClosedRange<Int64>?
    private(set) var days = DayCounter()

    mutating func reset(keeping bytes: Int) {
        buffer.removeAll(keeping: bytes)
        rows.removeAll(keepingCapacity: true)
        times = nil
        days = DayCounter()
    }

    /// Whether a row of this time would be one day too many for a batch that may hold `limit` days.
    @inline(__always)
    func exceedsDays(_ time: Int64, limit: Int) -> Bool {
        days.count >= limit && !rows.isEmpty && !days.contains(time)
    }

    /// Counts the row written from `start` on.
    @inline(__always)
    mutating func commitRow(start: Int, entry: Int, time: Int64?) {
        rows.append(TableRows.Row(offset: start, entry: entry))
        guard let time else { return }
        days.insert(time)
        guard let known = times else { return times = time...time }
        if time < known.lowerBound { times = time...known.upperBound }
        if time > known.upperBound { times = known.lowerBound...time }
    }
}
