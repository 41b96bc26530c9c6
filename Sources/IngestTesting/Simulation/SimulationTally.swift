/// How often something worth seeing happened. Over a run of many seeds none may stay at zero: what never happened was
/// not tested.
public struct SimulationTally: Equatable, Sendable {
    public enum Event: Int, CaseIterable, Sendable {
        case conflict, claim, ownDrain, ambiguousCommit, coveredSkip, incarnation, restoredGroup, reopened, adopted
        case floorMerge, neighbourMerge, mergeRefused, reconciled, wentBack, tokenChanged, guardRefused
        case fenceWaited, lockTimeout, deadLetter, crash, pause, flush, streamDeleted, groupDestroyed, failover
        case restore, idsReused, advancedID, split, trimmed, claimedRange
    }

    private var counts: [Int]

    public init() {
        counts = Array(repeating: 0, count: Event.allCases.count)
    }

    public subscript(event: Event) -> Int { counts[event.rawValue] }

    mutating func count(_ event: Event) {
        counts[event.rawValue] += 1
    }

    public mutating func add(_ other: SimulationTally) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// What never happened.
    public var missing: [Event] { Event.allCases.filter { self[$0] == 0 } }
}
