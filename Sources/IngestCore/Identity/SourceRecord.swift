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
    /// The larger of the row's `entries_added` and the sum of the ledger's counts.
    public var entriesAdded: Int?

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
