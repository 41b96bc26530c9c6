import IngestCore
import Records
import Testing

@Suite struct FenceRoundsTests {
    private let batch = [Delivery.fresh(source: here, ids: ids(1, 2, 3))]

    @Test func aConflictIsAnsweredBySubtraction() {
        var rounds = FenceRounds()
        let step = rounds.conflicted(FencePlanner.plan(batch), deliveries: batch, coverage: covering(span(2, 2)))
        guard case .commit(let plan) = step else { return #expect(Bool(false), "\(step)") }
        #expect(plan.ranges.map(\.ids) == [span(1, 1), span(3, 3)])
    }

    @Test func aConflictThatCoversAllNeedsNoCommit() {
        var rounds = FenceRounds()
        let step = rounds.conflicted(FencePlanner.plan(batch), deliveries: batch, coverage: covering(span(1, 3)))
        guard case .acknowledgeCovered = step else { return #expect(Bool(false), "\(step)") }
    }

    @Test func aConflictWithoutAReasonGoesOnInSingles() {
        var rounds = FenceRounds()
        let step = rounds.conflicted(FencePlanner.plan(batch), deliveries: batch, coverage: Coverage())
        guard case .commitUnexplained(let plan) = step else { return #expect(Bool(false), "\(step)") }
        #expect(plan.ranges.count == 3)
    }

    @Test func afterEightRoundsTheRestStaysPending() {
        var rounds = FenceRounds()
        var last = FenceRounds.Step.commit(FencePlanner.plan(batch))
        for _ in 0..<FenceRounds.limit {
            last = rounds.conflicted(FencePlanner.plan(batch), deliveries: batch, coverage: covering(span(2, 2)))
        }
        guard case .leavePending(let plan) = last else { return #expect(Bool(false), "\(last)") }
        #expect(plan.parts[0].covered == [1..<2])
    }
}
