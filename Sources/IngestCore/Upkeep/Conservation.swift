/// Whether every entry of a stream is somewhere: not read yet, pending, or in the ledger.
///
/// Redis is asked first, in one MULTI, then the ledger. What was acknowledged by then was committed before, so the
/// ledger's sum can only be too large for the moment that Redis told of: a difference that is found is real. Still it
/// counts only when two readings in a row show it, because a server's counters are estimates after deletions and
/// restarts.
public struct Conservation: Equatable, Sendable {
    /// One moment of a stream.
    public struct Reading: Equatable, Sendable {
        /// Entries ever added (7.0 and later).
        public var added: Int?
        /// Entries that the group was given; `nil` when the server does not know.
        public var read: Int?
        /// Entries that the group was not given yet, when the ids themselves prove how many.
        public var unread: Int?
        public var pending: Int
        /// Entries that the ledger stands for; `nil` when some were adopted uncounted, or the source is not known.
        public var recorded: Int?

        public init(added: Int?, read: Int?, unread: Int?, pending: Int, recorded: Int?) {
            self.added = added
            self.read = read
            self.unread = unread
            self.pending = pending
            self.recorded = recorded
        }

        /// Entries that were read, are not pending and not in the ledger: acknowledged by hand, or lost. `nil` when
        /// nobody can tell.
        public var unaccounted: Int? {
            guard let read, let recorded else { return nil }
            return max(0, read - pending - recorded)
        }

        /// Entries that went from the stream before the group was given them. A group that was made anew has read less
        /// than the ledger has; the larger of the two counts.
        public var trimmedUnread: Int? {
            guard let added, let unread, let recorded else { return nil }
            return max(0, added - unread - max(read ?? 0, pending + recorded))
        }
    }

    public enum Verdict: Equatable, Sendable {
        case unknown
        /// So many entries are nowhere; 0 is what should be.
        case known(Int)
    }

    private var last: Int?

    public init() {}

    /// The smaller of two differences in a row.
    public mutating func read(_ reading: Reading) -> Verdict {
        let before = last
        last = reading.unaccounted
        guard let now = last else { return .unknown }
        if now == 0 { return .known(0) }
        guard let before else { return .unknown }
        return .known(min(before, now))
    }
}
