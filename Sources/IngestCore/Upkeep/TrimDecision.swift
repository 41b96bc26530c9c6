public import Records

/// Up to where a stream may be trimmed: never what some group has not acknowledged, never what the ledger does not
/// cover, never what is younger than the retention, never what an open dead letter refers to.
///
/// The reads must be made in this order:
/// 1. the epoch token (WATCH, then GET), 2. last-delivered of **every** group (XINFO GROUPS), 3. the smallest pending id
/// of every group (XPENDING), 4. the source's ledger rows and then its letters by reference, on a connection whose
/// destination was checked, 5. XRANGE of ``Plan/gaps``, 6. MULTI, XTRIM, EXEC.
///
/// Last-delivered before pending, as for ``FloorMerge``: an entry delivered between the two reads lies above the first.
/// The other way round it would count as acknowledged. What was acknowledged once stays so, and what is covered stays
/// covered, so nothing that happens after the reads makes the limit too high, with one exception: a group that is made
/// anew or set back. Ours changes the token first, and EXEC then does nothing; another one begins at what is left.
/// Letters come after the rows, because a letter is committed together with the row that covers its entry.
public enum TrimDecision {
    /// How far one group is.
    public struct Group: Equatable, Sendable {
        public var lastDelivered: StreamID
        /// Read after `lastDelivered`.
        public var pending: Int
        /// `nil` when nothing is pending.
        public var lowestPending: StreamID?

        public init(lastDelivered: StreamID, pending: Int, lowestPending: StreamID?) {
            self.lastDelivered = lastDelivered
            self.pending = pending
            self.lowestPending = lowestPending
        }
    }

    public struct Facts: Equatable, Sendable {
        /// The oldest entry the stream has.
        public var first: StreamID
        /// All of them; ours must be among them.
        public var groups: [Group]
        /// The server's clock in milliseconds since 1970, and how old an entry must be by it.
        public var now: UInt64
        public var retention: Duration
        /// What the ledger covers of the stream's open source, in any order.
        public var covered: [IDRange]
        /// The lowest id whose fields only the stream has.
        public var lowestReferred: StreamID?

        public init(
            first: StreamID, groups: [Group], now: UInt64, retention: Duration, covered: [IDRange],
            lowestReferred: StreamID? = nil
        ) {
            self.first = first
            self.groups = groups
            self.now = now
            self.retention = retention
            self.covered = covered
            self.lowestReferred = lowestReferred
        }
    }

    /// Entries below ``limit`` may go, as far as no entry lies in one of the gaps.
    public struct Plan: Equatable, Sendable {
        public var limit: StreamID
        /// Between the stream's first entry and the limit, ids that no row covers, ascending. Where an entry lies in one
        /// of them, that entry is the limit.
        public var gaps: [IDRange]
    }

    /// - Parameter gapLimit: at most so many gaps; with more, the limit is where the next one begins.
    /// - Returns: `nil` when nothing may go.
    public static func plan(_ facts: Facts, gapLimit: Int = 64) -> Plan? {
        guard !facts.groups.isEmpty, let limit = candidate(facts), limit > facts.first else { return nil }
        var plan = Plan(limit: limit, gaps: [])
        var next = facts.first
        for range in Coverage.merged(facts.covered) where range.upper >= next {
            guard range.lower < limit else { break }
            guard note(next, range.lower, &plan, gapLimit) else { return plan.limit > facts.first ? plan : nil }
            guard let behind = range.upper.successor else { return plan }
            next = behind
        }
        guard note(next, limit, &plan, gapLimit) else { return plan.limit > facts.first ? plan : nil }
        return plan
    }

    /// Adds the gap from `start` to just before `end`. `false`, with the limit lowered, when there are too many.
    private static func note(_ start: StreamID, _ end: StreamID, _ plan: inout Plan, _ gapLimit: Int) -> Bool {
        guard start < end, let last = end.predecessor else { return true }
        guard plan.gaps.count < gapLimit else {
            plan.limit = start
            return false
        }
        plan.gaps.append(IDRange(start, last))
        return true
    }

    /// The lowest of all bounds; entries below it satisfy every one of them.
    private static func candidate(_ facts: Facts) -> StreamID? {
        var limit = oldEnough(facts)
        for group in facts.groups {
            // Something is pending and nobody knows what: the numbers are of two moments.
            if group.pending > 0, group.lowestPending == nil { return nil }
            limit = min(limit, group.lastDelivered.successor ?? .max)
            if let lowest = group.lowestPending { limit = min(limit, lowest) }
        }
        if let referred = facts.lowestReferred { limit = min(limit, referred) }
        return limit > .min ? limit : nil
    }

    private static func oldEnough(_ facts: Facts) -> StreamID {
        let (seconds, attoseconds) = facts.retention.components
        let whole = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000)
        let retention = whole.overflow ? .max : whole.partialValue + UInt64(max(0, attoseconds) / 1_000_000_000_000_000)
        return StreamID(milliseconds: facts.now > retention ? facts.now - retention : 0, sequence: 0)
    }
}
