public import Records

/// A row of `ingest.source`, with what the ledger adds to it.
public struct SourceRecord: Equatable, Sendable {
    public var number: SourceNumber
    /// The text behind `epoch:` in the marker consumer's name.
    public var marker: String
    public var isOpen: Bool
    /// The larger of the row's `max_id` and the ledger's highest id; `nil` when nothing is known to be stored. The
    /// ledger's is exact, the row's may be ten seconds old.
    public var highestID: StreamID?
    /// `entries_added`: what XINFO STREAM said when it was last looked at. Overwritten at every look, never the
    /// maximum, and not the ledger's sum: a stream that was deleted and began again with higher ids counts from one and
    /// is still the same source.
    public var entriesAdded: Int?
    /// Redis' replication id is not the one it had when the source was opened: a failover may have lost entries that
    /// are stored and counted, so counters may have gone back although the stream is the same.
    public var serverChanged = false
    /// An id that the record's ledger rows cover still answers XRANGE. Asked where counters cannot tell: before Redis
    /// 7, and of every record when ``serverChanged``. An adopted row (from `0-0`) does not count.
    public var hasLivingEntry = false

    public init(
        number: SourceNumber, marker: String, isOpen: Bool, highestID: StreamID? = nil, entriesAdded: Int? = nil
    ) {
        self.number = number
        self.marker = marker
        self.isOpen = isOpen
        self.highestID = highestID
        self.entriesAdded = entriesAdded
    }
}
