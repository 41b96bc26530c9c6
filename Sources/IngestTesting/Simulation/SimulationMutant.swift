/// A known mistake, put back into the simulated workers on purpose: the simulation is worth something as long as it
/// finds each of them.
public enum SimulationMutant: String, CaseIterable, Sendable {
    // The five naive versions of the guarantees.
    /// One range from the first to the last of a claimed set.
    case rangeOverClaims
    /// The first incarnation of a stream is used for ever.
    case ledgerWithoutIncarnation
    /// A conflict is taken for "somebody committed it": the whole batch is acknowledged.
    case conflictAcknowledgesAll
    /// Entries read with `>` are recorded without asking whether the ledger has them.
    case onlyClaimsAreChecked
    /// The dead letter is written after the commit, by itself.
    case deadLetterOutside
    /// The ranges of one call are inserted in another order by every other lane.
    case unsortedRanges

    // Decisions undone.
    /// Pending is read before last-delivered.
    case mergeReadsPendingFirst
    /// Decision 1: every missing group is taken for a missing stream.
    case everyMissingGroupIsNew
    /// Decision 2: the epoch token is not compared.
    case ignoresToken
    /// Decision 4: acknowledging and merging go on after a restore, whatever the numbers say.
    case mergesAfterRestore
    /// Decision 9: neighbours in the own pending list count as neighbours in the stream.
    case pendingNeighboursAreRanges

    // What the simulation taught.
    /// XACK is sent without a guard: the token is only compared afterwards.
    case unguardedAcknowledgement
    /// A reply that came with another token is resolved anew and then planned, instead of being dropped.
    case plansReplyOfOtherEpoch
    /// The merge does not compare the token around its reads.
    case mergeIgnoresToken
    /// Bodies of claimed ids come by XRANGE, and nobody asks whether the group is still there.
    case claimSkipsGroupCheck
    /// A lost reply to COMMIT is taken for success.
    case lostReplyIsSuccess
    /// The merge takes its counts from the first read, before the smallest pending id.
    case mergeCountsFirst
    /// After a reconnection a batch is committed under its old source number, whoever has that number now.
    case trustsSourceNumbers

    /// The faults without which the mistake does not show.
    var faults: [FaultPlan.Fault] {
        switch self {
        case .rangeOverClaims, .pendingNeighboursAreRanges, .conflictAcknowledgesAll, .deadLetterOutside:
            [.crash, .pause]
        case .ledgerWithoutIncarnation: [.deleteStream, .reuseIDs]
        case .onlyClaimsAreChecked, .everyMissingGroupIsNew: [.destroyGroup]
        case .unsortedRanges: [.pause, .destroyGroup]
        case .mergeReadsPendingFirst: []
        case .ignoresToken, .unguardedAcknowledgement, .claimSkipsGroupCheck: [.pause, .deleteStream, .reuseIDs]
        case .plansReplyOfOtherEpoch: [.flushAll, .destroyGroup]
        case .mergesAfterRestore, .mergeCountsFirst, .trustsSourceNumbers: [.restore]
        case .mergeIgnoresToken: [.destroyGroup, .pause]
        case .lostReplyIsSuccess: [.doubtfulCommit]
        }
    }
}
