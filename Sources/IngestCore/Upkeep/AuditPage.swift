public import Records

/// What one page of a stream says about it: every entry up to last-delivered is covered by the ledger or pending.
///
/// The reads must be made in this order: the epoch token, last-delivered, the ids (XRANGE), the pending ones among them
/// (XPENDING), the ledger, and the token again. An entry is pending until it is acknowledged and covered before that,
/// so one that is neither pending at first nor covered afterwards is missing.
public enum AuditPage {
    public struct Result: Equatable, Sendable {
        /// Entries looked at.
        public var entries = 0
        public var pending = 0
        public var missing: [StreamID] = []
        /// The first one that is pending and not covered yet.
        public var firstOpen: StreamID?

        /// So many entries, all covered.
        public init(entries: Int = 0) {
            self.entries = entries
        }
    }

    /// - Parameters:
    ///   - ids: of the page, ascending; those above `lastDelivered` do not count.
    ///   - pending: read after the ids.
    ///   - coverage: read after `pending`.
    public static func judge(
        _ ids: [StreamID], lastDelivered: StreamID, pending: Set<StreamID>, coverage: Coverage, of source: SourceNumber
    ) -> Result {
        var result = Result()
        for id in ids where id <= lastDelivered {
            result.entries += 1
            if coverage.contains(id, of: source) { continue }
            if pending.contains(id) {
                result.pending += 1
                result.firstOpen = result.firstOpen ?? id
            } else {
                result.missing.append(id)
            }
        }
        return result
    }
}
