/// What a row of `ingest.lifecycle` comes to at one moment: limits as times, in seconds since 1970 (UTC).
///
/// The server does the calendar's part ("one year ago"), so that plan and server never disagree about a month.
public struct TableLimits: Equatable, Sendable {
    /// With its schema, as `ingest.lifecycle` has it.
    public var table: String
    public var now: Int64
    /// Seconds that one chunk covers.
    public var width: Int64
    /// Chunks that shall be there before their time comes.
    public var chunksAhead: Int
    /// Chunks that end after this are hot and stay where they were made.
    public var hotAfter: Int64
    /// Chunks that end after this and are not hot are warm, the rest is cold.
    public var warmAfter: Int64
    /// Chunks that end before this are compressed; `nil`: never.
    public var compressBefore: Int64?
    /// Chunks that end before this are dropped; `nil`: never.
    public var dropBefore: Int64?
    /// Nothing that was written after this is dropped or compressed.
    public var quietBefore: Int64
    public var warmTablespace: String?
    public var coldTablespace: String?
    /// Whether chunks can be compressed here.
    public var canCompress: Bool

    public init(
        table: String, now: Int64, width: Int64, chunksAhead: Int, hotAfter: Int64, warmAfter: Int64,
        compressBefore: Int64?, dropBefore: Int64?, quietBefore: Int64, warmTablespace: String? = nil,
        coldTablespace: String? = nil, canCompress: Bool
    ) {
        self.table = table
        self.now = now
        self.width = width
        self.chunksAhead = chunksAhead
        self.hotAfter = hotAfter
        self.warmAfter = warmAfter
        self.compressBefore = compressBefore
        self.dropBefore = dropBefore
        self.quietBefore = quietBefore
        self.warmTablespace = warmTablespace
        self.coldTablespace = coldTablespace
        self.canCompress = canCompress
    }
}

/// A chunk of a hypertable, or a partition of a table.
public struct Chunk: Equatable, Sendable {
    public var name: String
    /// The first second it covers, and the first it does not, since 1970 (UTC).
    public var range: Range<Int64>
    public var isCompressed: Bool
    /// `nil` is the database's own.
    public var tablespace: String?
    /// When it was last seen to be written; `nil` when it was not looked at yet, or has been written since.
    public var lastWrite: Int64?

    public init(
        name: String, range: Range<Int64>, isCompressed: Bool = false, tablespace: String? = nil, lastWrite: Int64?
    ) {
        self.name = name
        self.range = range
        self.isCompressed = isCompressed
        self.tablespace = tablespace
        self.lastWrite = lastWrite
    }
}
