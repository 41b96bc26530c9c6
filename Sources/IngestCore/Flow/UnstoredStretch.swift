public import Records

/// Where entries of a stream lie that are still to be stored, or came since the oldest of them: from there some are
/// tried when a table refuses others.
public struct UnstoredStretch: Equatable, Sendable {
    public let first: StreamID
    public let last: StreamID

    /// `nil` when everything was delivered and acknowledged.
    public init?(lastGenerated: StreamID, lastDelivered: StreamID, lowestPending: StreamID?) {
        let unread = lastDelivered < lastGenerated ? lastDelivered.successor : nil
        guard let first = lowestPending ?? unread, first <= lastGenerated else { return nil }
        self.first = first
        last = lastGenerated
    }

    /// The id to look from.
    /// - Parameter fraction: 0 is the first entry's time, 1 the last entry.
    public func place(_ fraction: Double) -> StreamID {
        guard fraction < 1 else { return last }
        let span = Double(last.milliseconds - first.milliseconds)
        // Producers choose ids as they like: the product may round up to more than the span, or than fits.
        let offset = UInt64(exactly: (span * max(0, fraction)).rounded(.down)) ?? 0
        let milliseconds = first.milliseconds + min(offset, last.milliseconds - first.milliseconds)
        return max(first, StreamID(milliseconds: milliseconds, sequence: 0))
    }
}
