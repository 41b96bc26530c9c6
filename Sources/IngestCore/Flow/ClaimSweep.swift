public import Records

/// Goes over a stream's pending entries of other consumers, a piece at a time; one per stream and lane.
///
/// XAUTOCLAIM cannot tell consumers apart, so entries of a lane known to be dead are claimed by consumer
/// (XPENDING … consumer, then XCLAIM with min-idle 0 and JUSTID), all others with XAUTOCLAIM from a cursor that is kept
/// between calls. An early claim is harmless: the ledger decides.
public struct ClaimSweep: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        /// XPENDING key group `after` + COUNT n `consumer`, XCLAIM … 0 ids JUSTID.
        case claimFromDead(consumer: String, after: StreamID)
        /// XAUTOCLAIM key group me `minIdle` `cursor` COUNT n JUSTID.
        case autoclaim(cursor: StreamID, minIdle: Duration)
    }

    /// A consumer as XINFO CONSUMERS and the heartbeats show it.
    public struct Consumer: Equatable, Sendable {
        public var name: String
        public var pending: Int
        /// Time since its lane's last heartbeat, by Redis' clock; `nil` when no heartbeat of that name is known.
        public var silence: Duration?

        public init(name: String, pending: Int, silence: Duration?) {
            self.name = name
            self.pending = pending
            self.silence = silence
        }
    }

    private var cursor = StreamID.min
    private var dead: (consumer: String, after: StreamID)?

    public init() {}

    public static func == (lhs: ClaimSweep, rhs: ClaimSweep) -> Bool {
        lhs.cursor == rhs.cursor && lhs.dead?.consumer == rhs.dead?.consumer && lhs.dead?.after == rhs.dead?.after
    }

    /// The next piece. Consumers that died come first, in the order of their names.
    /// - Parameter me: this lane's own consumer; its entries are in flight or drained by itself.
    public mutating func next(
        me: String, consumers: [Consumer], silentAfter: Duration = TimeTable.silentAfter,
        claimAfter: Duration = TimeTable.claimAfter
    ) -> Action {
        let deadOnes = consumers.filter { consumer in
            guard consumer.name != me, consumer.pending > 0, let silence = consumer.silence else { return false }
            return silence >= silentAfter
        }
        guard let first = deadOnes.map(\.name).min() else {
            dead = nil
            return .autoclaim(cursor: cursor, minIdle: claimAfter)
        }
        if let dead, deadOnes.contains(where: { $0.name == dead.consumer }) {
            return .claimFromDead(consumer: dead.consumer, after: dead.after)
        }
        dead = (first, .min)
        return .claimFromDead(consumer: first, after: .min)
    }

    /// XAUTOCLAIM answered. An empty reply with a cursor means "go on", not "nothing to do".
    /// - Returns: what to process: the claimed ids without those this lane has in flight already.
    public mutating func autoclaimed(
        _ ids: [StreamID], next cursor: StreamID, isInFlight: (StreamID) -> Bool
    ) -> [StreamID] {
        self.cursor = cursor
        return ids.filter { !isInFlight($0) }
    }

    /// XPENDING and XCLAIM answered: these ids were listed. An empty list ends that consumer.
    public mutating func claimedFromDead(_ ids: [StreamID], isInFlight: (StreamID) -> Bool) -> [StreamID] {
        if let last = ids.max(), let next = last.successor, let dead {
            self.dead = (dead.consumer, next)
        } else {
            dead = nil
        }
        return ids.filter { !isInFlight($0) }
    }

    /// NOGROUP, a changed epoch or a reconnection: old cursors mean nothing.
    public mutating func reset() {
        self = ClaimSweep()
    }

    /// Whether a whole round of XAUTOCLAIM is done.
    public var isAtStart: Bool { cursor == .min && dead == nil }
}
