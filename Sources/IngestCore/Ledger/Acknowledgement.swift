public import Records

/// Entries of one source that may be acknowledged to Redis, because they are durable.
///
/// Only ``DeliveryLedger`` makes them: out of a receipt, or out of coverage the ledger proved.
public struct Acknowledgement: Equatable, Sendable {
    public let source: SourceNumber
    /// Not empty.
    public let ids: [StreamID]

    init(source: SourceNumber, ids: [StreamID]) {
        self.source = source
        self.ids = ids
    }

    /// What goes to `millrace:{group}:acked` with the acknowledgement.
    public var highest: StreamID? { ids.max() }
}
