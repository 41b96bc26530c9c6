public import Records

/// Replaces many rows of the ledger by few, without ever covering an entry that no row covered.
///
/// The reads must be made in this order, on **one** Redis connection, and nothing may come between them that replaced
/// the group (a healing sets a new epoch token first):
/// 1. the epoch token, 2. last-delivered (XINFO GROUPS), 3. the pending summary (XPENDING), 4. entries-read, pending
/// and last-delivered (XINFO GROUPS again), 5. the epoch token again, 6. the ledger's rows, in the merge's own
/// transaction, on a PostgreSQL connection whose destination was checked when it opened. 1 to 5 are one pipeline.
///
/// Last-delivered before pending: an entry delivered between the two reads is above the first and cannot be missed.
/// The other way round, an entry delivered after the pending read lies below last-delivered and would be covered
/// uncommitted; a worker would then acknowledge it. The counts come last, since they must include whatever was
/// acknowledged when the smallest pending id was read: counts from the first read let as many missing entries hide
/// as were acknowledged in between.
public enum FloorMerge {
    /// One row of the ledger.
    public struct Row: Equatable, Sendable {
        public var ids: IDRange
        /// Entries it stands for; `nil` for what was there before Millrace came ("adopted").
        public var count: Int?
        public var isFloor: Bool

        public init(ids: IDRange, count: Int?, isFloor: Bool = false) {
            self.ids = ids
            self.count = count
            self.isFloor = isFloor
        }
    }

    /// What was read, in the order above.
    public struct Facts: Equatable, Sendable {
        public var tokenBefore: [UInt8]?
        public var lastDelivered: StreamID
        /// The smallest and the largest pending id; `nil` when nothing is pending.
        public var pending: IDRange?
        /// Read after `pending`; `nil` when they prove nothing.
        public var counts: Counts?
        public var tokenAfter: [UInt8]?
        /// All rows of the source, ascending.
        public var rows: [Row]

        public init(
            tokenBefore: [UInt8]?, lastDelivered: StreamID, pending: IDRange?, counts: Counts?, tokenAfter: [UInt8]?,
            rows: [Row]
        ) {
            self.tokenBefore = tokenBefore
            self.lastDelivered = lastDelivered
            self.pending = pending
            self.counts = counts
            self.tokenAfter = tokenAfter
            self.rows = rows
        }
    }

    /// One reply of XINFO GROUPS. Give none when entries-read is NULL or missing (Redis 6), and when the server is
    /// another than the one the source was opened on: entries that a failover lost count in the rows, and would hide
    /// as many that are missing.
    public struct Counts: Equatable, Sendable {
        public var entriesRead: Int
        public var pending: Int
        public var lastDelivered: StreamID

        public init(entriesRead: Int, pending: Int, lastDelivered: StreamID) {
            self.entriesRead = entriesRead
            self.pending = pending
            self.lastDelivered = lastDelivered
        }
    }

    public enum Decision: Equatable, Sendable {
        /// Delete the rows within the range, insert one F row over it with this count, ON CONFLICT DO NOTHING; 0 rows
        /// inserted, or another number of rows deleted than `replacing`, rolls back. The range begins where the first
        /// row begins, not at `0-0`: nothing of this incarnation is below, and ids of an older one must not look
        /// covered when a failover brings them back.
        case floor(IDRange, count: Int, replacing: Int)
        /// The floor cannot be proven. These gaps between neighbouring rows are worth a look: where XRANGE finds no
        /// entry and XPENDING no pending id in a gap, ``merging(_:emptyGaps:)`` may close it.
        case inspect(gaps: [IDRange])
        case nothing(Reason)
    }

    public enum Reason: Equatable, Sendable {
        /// Fewer rows than a merge is worth.
        case tooFewRows
        /// The group was replaced between the reads, or there is no token.
        case tokenChanged
    }

    /// - Parameters:
    ///   - fewestRows: below so many rows nothing is done.
    ///   - gapLimit: most gaps to name. They are neighbours.
    ///   - position: where among more gaps than that they lie, from 0 to 1. Give another each time: gaps that stay open
    ///     must not hide the rest.
    public static func decide(
        _ facts: Facts, fewestRows: Int = 64, gapLimit: Int = 256, position: Double = 0
    ) -> Decision {
        guard facts.rows.count >= max(2, fewestRows) else { return .nothing(.tooFewRows) }
        guard let token = facts.tokenBefore, token == facts.tokenAfter else { return .nothing(.tokenChanged) }
        if let floor = provenFloor(facts) { return floor }
        let gaps = zip(facts.rows, facts.rows.dropFirst()).compactMap(gap)
        let first = Int(Double(max(0, gaps.count - gapLimit)) * min(max(position, 0), 1))
        return .inspect(gaps: Array(gaps.dropFirst(first).prefix(gapLimit)))
    }

    /// The floor, when the numbers prove that every acknowledged entry at or below it has a row: of the entries
    /// delivered and no longer pending, none is missing in the sum of the rows below.
    private static func provenFloor(_ facts: Facts) -> Decision? {
        guard let acknowledged = acknowledged(facts), var floor = highest(facts), floor > .min else { return nil }
        if let straddling = facts.rows.first(where: { $0.ids.lower <= floor && floor < $0.ids.upper }) {
            guard let below = straddling.ids.lower.predecessor else { return nil }
            floor = below
        }
        let below = facts.rows.prefix { $0.ids.upper <= floor }
        guard below.count >= 2, let count = sum(below), acknowledged <= count else { return nil }
        return .floor(IDRange(below[below.startIndex].ids.lower, floor), count: count, replacing: below.count)
    }

    private static func highest(_ facts: Facts) -> StreamID? {
        guard let pending = facts.pending else { return facts.lastDelivered }
        return pending.lower.predecessor.map { min($0, facts.lastDelivered) }
    }

    /// Entries delivered and not pending. Unknown while entries above last-delivered are pending: the group was set
    /// back, and entries-read does not count them.
    private static func acknowledged(_ facts: Facts) -> Int? {
        guard let counts = facts.counts else { return nil }
        if let pending = facts.pending, pending.upper > counts.lastDelivered { return nil }
        let (acknowledged, overflow) = counts.entriesRead.subtractingReportingOverflow(counts.pending)
        return overflow || counts.pending < 0 ? nil : acknowledged
    }

    private static func gap(_ left: Row, _ right: Row) -> IDRange? {
        guard let first = left.ids.upper.successor, let last = right.ids.lower.predecessor, first <= last else {
            return nil
        }
        return IDRange(first, last)
    }

    private static func sum(_ rows: ArraySlice<Row>) -> Int? {
        var total = 0
        for row in rows {
            guard let count = row.count, count >= 0 else { return nil }
            let (next, overflow) = total.addingReportingOverflow(count)
            guard !overflow else { return nil }
            total = next
        }
        return total
    }

    /// Rows that take the place of neighbours between which nothing exists. Each result names the rows it replaces.
    /// - Parameters:
    ///   - rows: all rows of the source, ascending.
    ///   - emptyGaps: gaps for which XRANGE found no entry and XPENDING no pending id. Neighbours without any id in
    ///     between need no proof.
    public static func merging(_ rows: [Row], emptyGaps: [IDRange]) -> [(row: Row, replacing: Range<Int>)] {
        let empty = Set(emptyGaps)
        var result: [(row: Row, replacing: Range<Int>)] = []
        var start = 0
        for index in rows.indices {
            let next = index + 1
            // What was there before Millrace came has no count, and would take it from what it is joined with.
            let joins =
                next < rows.count && rows[index].count != nil && rows[next].count != nil
                && isEmptyBetween(rows[index], rows[next], empty)
            if joins { continue }
            if next - start > 1, let count = sum(rows[start..<next]) {
                let ids = IDRange(rows[start].ids.lower, rows[index].ids.upper)
                result.append((Row(ids: ids, count: count, isFloor: rows[start].isFloor), start..<next))
            }
            start = next
        }
        return result
    }

    private static func isEmptyBetween(_ left: Row, _ right: Row, _ empty: Set<IDRange>) -> Bool {
        guard left.ids.upper < right.ids.lower else { return false }
        return gap(left, right).map(empty.contains) ?? true
    }
}
