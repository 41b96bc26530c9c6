public import Records

/// Which incarnation a stream is, and what has to be done so that Redis and PostgreSQL agree on it.
///
/// Decide under the advisory lock of the stream, with facts read under it **in this order**: the rows and the ledger
/// (PostgreSQL), XINFO STREAM, XINFO GROUPS and CONSUMERS. (A commit between a look at the stream and a later look at
/// the ledger would make the stream seem to have gone back.) Carry out in this order:
/// 1. PostgreSQL: insert, close or reopen the row; COMMIT (this ends the lock),
/// 2. Redis: `SET epoch <fresh random token>`, 3. `XGROUP CREATE … 0 MKSTREAM` (BUSYGROUP is success) or
/// `XGROUP SETID … 0`, 4. `XGROUP CREATECONSUMER … epoch:<marker>`,
/// 5. **read all facts again and decide again**, with ``Facts/wasMarkedJustNow``, until the answer is ``use(_:)``.
///
/// The fresh token comes before the group, so that nobody can read from a group whose token he has not seen; who
/// resolves reads the token first and begins anew after any healing. The facts are read again because the stream may
/// have been deleted between the look and the act: the marker would then sit in another stream than the one that was
/// judged. For the same reason a marker alone is not believed when the stream's last id is below a stored one.
public enum IncarnationDecision: Equatable, Sendable {
    /// All is well: entries belong to this source.
    case use(SourceNumber)
    /// The same stream lost its group or its marker: put the **same** marker back. The ledger skips what is stored.
    case restore(SourceNumber, marker: String, group: GroupRepair)
    /// The marker of an incarnation that was closed is back (a failover to a replica that never saw the end): close
    /// the open row, open that one again.
    case reopen(SourceNumber, closing: SourceNumber?)
    /// Another stream under the old name: a new row with a new marker, and everything from 0.
    case begin(closing: SourceNumber?, group: GroupRepair)
    /// The group worked before Millrace came (no row, and no marker of any kind): a new row, a new marker, and one F row up to `floor` with an unknown
    /// count; `nil` when it has delivered nothing.
    case adopt(floor: StreamID?)
    /// Do nothing, say why.
    case refuse(Refusal)

    public enum GroupRepair: Equatable, Sendable {
        /// `XGROUP CREATE key group 0 MKSTREAM`.
        case create
        /// `XGROUP SETID key group 0`: nobody knows where it was created; the ledger makes reading again safe.
        case rewind
    }

    public enum Refusal: Equatable, Sendable {
        /// This database ingests the stream through another group.
        case otherGroupIngests
    }

    /// What was read under the lock.
    public struct Facts: Equatable, Sendable {
        /// Every row of this deployment, database, stream and group, open or closed.
        public var records: [SourceRecord]
        /// XINFO STREAM, or `nil` when the key does not exist.
        public var stream: StreamFacts?
        /// XINFO GROUPS and CONSUMERS, or `nil` when the group does not exist.
        public var group: GroupFacts?
        /// Another group has an open row for the same stream.
        public var otherGroupIngests = false
        /// This very procedure put the marker there a moment ago.
        public var wasMarkedJustNow = false

        public init(records: [SourceRecord], stream: StreamFacts?, group: GroupFacts?) {
            self.records = records
            self.stream = stream
            self.group = group
        }
    }

    public struct StreamFacts: Equatable, Sendable {
        public var lastGenerated: StreamID
        /// `nil` before Redis 7.
        public var entriesAdded: Int?

        public init(lastGenerated: StreamID, entriesAdded: Int?) {
            self.lastGenerated = lastGenerated
            self.entriesAdded = entriesAdded
        }
    }

    public struct GroupFacts: Equatable, Sendable {
        /// What stands behind `epoch:` in the names of consumers.
        public var markers: [String]
        public var lastDelivered: StreamID
        public var pendingMin: StreamID?

        public init(markers: [String], lastDelivered: StreamID, pendingMin: StreamID?) {
            self.markers = markers
            self.lastDelivered = lastDelivered
            self.pendingMin = pendingMin
        }
    }

    public init(_ facts: Facts) {
        let open = facts.records.first(where: \.isOpen)
        let marked = facts.records.filter { facts.group?.markers.contains($0.marker) ?? false }
        if let open, marked.contains(open) {
            self = Self.isBelieved(open, facts) ? .use(open.number) : .begin(closing: open.number, group: .rewind)
        } else if let last = Self.returned(marked, open: open, facts) {
            self = .reopen(last.number, closing: open?.number)
        } else if let open {
            let group: GroupRepair = facts.group == nil ? .create : .rewind
            self =
                Self.isSameStream(open, facts.stream)
                ? .restore(open.number, marker: open.marker, group: group)
                : .begin(closing: open.number, group: group)
        } else {
            self = Self.withoutOpenRecord(facts)
        }
    }

    /// The marker lives and dies with the group. It is doubted when it was put there a moment ago, and when ids went
    /// back although the server is the same.
    private static func isBelieved(_ open: SourceRecord, _ facts: Facts) -> Bool {
        if facts.wasMarkedJustNow { return isSameStream(open, facts.stream) }
        guard !open.serverChanged, let highest = open.highestID else { return true }
        return facts.stream.map { $0.lastGenerated >= highest } ?? false
    }

    /// A closed incarnation comes back only with another server: a replica that never saw its end. Its marker says so,
    /// or, where the group is lost too, entries that it stored. On the same server a closed marker is one that was put
    /// into the wrong stream.
    private static func returned(_ marked: [SourceRecord], open: SourceRecord?, _ facts: Facts) -> SourceRecord? {
        guard open?.serverChanged ?? true else { return nil }
        if let last = marked.max(by: { $0.number < $1.number }) { return last }
        guard let open, !open.hasLivingEntry else { return nil }
        return facts.records.filter { !$0.isOpen && $0.hasLivingEntry }.max { $0.number < $1.number }
    }

    private static func withoutOpenRecord(_ facts: Facts) -> IncarnationDecision {
        if facts.records.isEmpty, facts.otherGroupIngests { return .refuse(.otherGroupIngests) }
        guard let group = facts.group else {
            return .begin(closing: nil, group: .create)
        }
        // A marker without a row: Millrace worked here and the database is older, or another one. Adopting the group
        // would take all that was acknowledged for done.
        guard facts.records.isEmpty, group.markers.isEmpty else { return .begin(closing: nil, group: .rewind) }
        guard group.lastDelivered > .min else { return .adopt(floor: nil) }
        let belowPending = group.pendingMin.map { $0.predecessor ?? .min } ?? .max
        let floor = min(belowPending, group.lastDelivered)
        return .adopt(floor: floor > .min ? floor : nil)
    }

    /// A missing group is not a missing stream: ids and counters that did not go back say that it is the same one. A
    /// source without anything stored fits any stream. After a failover counters prove nothing, a stored entry that
    /// is still there does.
    static func isSameStream(_ record: SourceRecord, _ stream: StreamFacts?) -> Bool {
        guard let highest = record.highestID else { return true }
        guard let stream else { return false }
        if record.serverChanged { return stream.lastGenerated >= highest || record.hasLivingEntry }
        guard stream.lastGenerated >= highest else { return false }
        guard let added = stream.entriesAdded else { return record.hasLivingEntry }
        return added >= record.entriesAdded ?? 0
    }

    /// DECISIONS 6: a failover inside an incarnation may have taken the stream's last id back below stored ones, and
    /// Redis would give the same ids to other entries. `XSETID` goes to this id, forward only; `nil` when all is well,
    /// and when the server is the same: then the evidence must stay as it is.
    public static func advancedID(_ record: SourceRecord, lastGenerated: StreamID) -> StreamID? {
        guard record.serverChanged, let highest = record.highestID, highest > lastGenerated else { return nil }
        return highest
    }
}
