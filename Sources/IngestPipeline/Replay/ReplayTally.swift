public import Records

/// What trying letters again came to.
public struct ReplayTally: Equatable, Sendable {
    /// Why letters fail, and how many for that reason.
    public struct Reason: Equatable, Sendable {
        public let rejection: Rejection
        public let constraint: String?
        public internal(set) var count: Int
        /// One of them.
        public let example: StreamID
    }

    /// Letters that are rows now; in a dry run, those that would be.
    public internal(set) var stored = 0
    /// Letters that stay open.
    public internal(set) var failed = 0
    /// Letters that somebody else stored, discarded or edited meanwhile.
    public internal(set) var elsewhere = 0
    /// Letters that were not tried, because their table takes no rows now.
    public internal(set) var held = 0
    /// Why, by table.
    public private(set) var heldTables: [String: String] = [:]
    /// By fingerprint.
    private(set) var byReason: [String: Reason] = [:]

    public init() {}

    public var total: Int { stored + failed + elsewhere + held }

    /// The most frequent first.
    public var reasons: [Reason] {
        byReason.values.sorted { ($1.count, "\($0.rejection)") < ($0.count, "\($1.rejection)") }
    }

    mutating func fail(_ id: StreamID, _ rejection: Rejection, constraint: String?, fingerprint: String) {
        failed += 1
        byReason[
            fingerprint, default: Reason(rejection: rejection, constraint: constraint, count: 0, example: id)
        ].count += 1
    }

    mutating func hold(_ count: Int, _ table: String, _ reason: String) {
        held += count
        heldTables[table] = reason
    }

    mutating func add(_ other: ReplayTally) {
        held += other.held
        heldTables.merge(other.heldTables) { $1 }
        stored += other.stored
        failed += other.failed
        elsewhere += other.elsewhere
        byReason.merge(other.byReason) { mine, theirs in
            var sum = mine
            sum.count += theirs.count
            return sum
        }
    }
}
