/// Counts the rounds of one batch against ledger conflicts (SL001) and says how to go on.
///
/// After a conflict: ROLLBACK, probe in a **new snapshot**, plan again with that coverage. Each round another worker
/// must have committed something of ours, so rounds end; eight without success leave the entries pending, to be
/// claimed later. A conflict whose probe changes nothing is our own bug: the batch goes on in single ids.
public struct FenceRounds: Equatable, Sendable {
    public enum Step: Equatable, Sendable {
        /// Write this plan.
        case commit(FencePlan)
        /// Nothing is left to write: acknowledge what is covered.
        case acknowledgeCovered(FencePlan)
        /// The conflict cannot be explained: count it, write this plan of single ids.
        case commitUnexplained(FencePlan)
        /// Too many rounds: acknowledge what is covered, leave the rest pending.
        case leavePending(FencePlan)
    }

    public static let limit = 8

    /// Conflicts so far.
    public private(set) var conflicts = 0
    private var grain = FencePlanner.Grain.runs

    public init() {}

    /// - Parameters:
    ///   - refused: the plan that met the conflict.
    ///   - coverage: what a probe in a new snapshot found afterwards.
    public mutating func conflicted(
        _ refused: FencePlan, deliveries: [Delivery], coverage: Coverage
    ) -> Step {
        conflicts += 1
        let plan = FencePlanner.plan(deliveries, coverage: coverage, grain: grain)
        if plan.isCovered { return .acknowledgeCovered(plan) }
        if conflicts >= Self.limit { return .leavePending(plan) }
        guard plan.ranges == refused.ranges else { return .commit(plan) }
        grain = .singles
        return .commitUnexplained(FencePlanner.plan(deliveries, coverage: coverage, grain: .singles))
    }
}
