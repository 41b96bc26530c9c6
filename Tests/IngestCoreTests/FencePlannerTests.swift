import IngestCore
import Records
import Testing

@Suite struct FencePlannerTests {
    private func ranges(_ plan: FencePlan) -> [IDRange] { plan.ranges.map(\.ids) }

    @Test func aFreshBatchAsksNothingAndRecordsOneRangePerStream() {
        let batch = [
            Delivery.fresh(source: there, ids: ids(1, 2)), Delivery.fresh(source: here, ids: ids(4, 6, 9)),
        ]
        #expect(FencePlanner.probes(for: batch, isRetry: false).isEmpty)
        let plan = FencePlanner.plan(batch)
        #expect(plan.ranges.map(\.source) == [here, there])
        #expect(ranges(plan) == [span(4, 9), span(1, 2)])
        #expect(plan.ranges.map(\.count) == [3, 2])
        #expect(plan.survivorCount == 5)
    }

    @Test func claimsRetriesAndSuspectsAreProbedOncePerSource() {
        let fresh = Delivery.fresh(source: here, ids: ids(4, 6))
        let claim = Delivery.claimed(source: here, ids: ids(1, 9))
        #expect(FencePlanner.probes(for: [fresh, claim], isRetry: false).map(\.ids) == [span(1, 9)])
        #expect(FencePlanner.probes(for: [fresh], isRetry: true).map(\.ids) == [span(4, 6)])
        #expect(FencePlanner.probes(for: [fresh], isRetry: false, isSuspect: true).count == 1)
    }

    @Test func claimsWithoutProofAreSingles() {
        let plan = FencePlanner.plan([.claimed(source: here, ids: ids(1, 2, 3))], coverage: Coverage())
        #expect(ranges(plan) == [span(1, 1), span(2, 2), span(3, 3)])
    }

    @Test func coveredEntriesAreAcknowledgedOnlyAndCutTheRange() {
        let plan = FencePlanner.plan([.fresh(source: here, ids: ids(1, 2, 3, 4, 5))], coverage: covering(span(3, 3)))
        #expect(ranges(plan) == [span(1, 2), span(4, 5)])
        #expect(plan.parts[0].covered == [2..<3])
        #expect(plan.parts[0].survivors == [0..<2, 3..<5])
    }

    /// The row stands for an entry that was deleted since. A range across it would conflict for ever.
    @Test func aRowBetweenTwoEntriesCutsTheRange() {
        let plan = FencePlanner.plan([.fresh(source: here, ids: ids(1, 2, 6, 7))], coverage: covering(span(4, 4)))
        #expect(ranges(plan) == [span(1, 2), span(6, 7)])
    }

    @Test func aBatchThatIsCoveredNeedsNoTransaction() {
        let plan = FencePlanner.plan([.fresh(source: here, ids: ids(1, 2))], coverage: covering(span(0, 9)))
        #expect(plan.isCovered)
        #expect(plan.parts[0].covered == [0..<2])
    }

    @Test func coverageOfAnotherSourceCoversNothing() {
        let plan = FencePlanner.plan(
            [.fresh(source: here, ids: ids(1, 2))], coverage: covering(span(0, 9), of: there))
        #expect(ranges(plan) == [span(1, 2)])
    }

    @Test func anEntryThatTwoDeliveriesHoldIsWrittenOnce() {
        let plan = FencePlanner.plan(
            [.fresh(source: here, ids: ids(1, 2, 3, 4)), .claimed(source: here, ids: ids(3, 8))],
            coverage: Coverage())
        #expect(ranges(plan) == [span(1, 4), span(8, 8)])
        #expect(plan.parts[1].repeated == [0..<1])
        #expect(plan.survivorCount == 5)
    }

    @Test func rangesThatOverlapAreMerged() {
        let plan = FencePlanner.plan(
            [
                .claimed(source: here, ids: ids(1, 9), existing: ids(1, 9)),
                .claimed(source: here, ids: ids(5), existing: ids(5)),
            ], coverage: Coverage())
        #expect(ranges(plan) == [span(1, 9)])
        #expect(plan.ranges[0].count == 3)
    }

    @Test func anEmptyBatchPlansNothing() {
        #expect(FencePlanner.plan([]).isCovered)
        #expect(FencePlanner.plan([.fresh(source: here, ids: [])]).isCovered)
    }

    /// The invariant, against brute force: no range holds an entry of the stream that the batch does not dispose of,
    /// no range touches a row of the ledger, ranges are disjoint and sorted, counts are exact.
    @Test(arguments: UInt64(0)..<300)
    func noRangeEverHoldsAForeignEntry(seed: UInt64) {
        var random = Draw(seed)
        let stream = (1...30).filter { _ in random.below(3) > 0 }.map { id(UInt64($0)) }
        let rows = (0..<random.below(4)).map { _ in span(UInt64(1 + random.below(30)), 31) }
            .map { IDRange($0.lower, StreamID(milliseconds: $0.lower.milliseconds + 2, sequence: 0)) }
        let coverage = Coverage(rows.map { (source: here, ids: $0) })
        let from = random.below(max(1, stream.count))
        let fresh = Array(stream[from..<min(stream.count, from + random.below(12))])
        let claims = stream.filter { _ in random.below(3) == 0 }
        let batch = [
            Delivery.fresh(source: here, ids: fresh), .claimed(source: here, ids: claims, existing: stream),
        ]
        let plan = FencePlanner.plan(batch, coverage: coverage)
        let held = Set(fresh + claims)
        let survivors = zip(batch, plan.parts).flatMap { batch, part in part.survivors.joined().map { batch.ids[$0] } }
        #expect(Set(survivors) == Set(held.filter { !coverage.contains($0, of: here) }))
        #expect(Set(survivors).count == survivors.count)
        for range in plan.ranges {
            let inside = stream.filter { range.ids.contains($0) }
            #expect(inside.allSatisfy(survivors.contains))
            #expect(inside.count == range.count)
            #expect(!coverage.overlaps(range.ids, of: here))
        }
        for (left, right) in zip(plan.ranges, plan.ranges.dropFirst()) { #expect(left.ids.upper < right.ids.lower) }
        #expect(plan.ranges.reduce(0) { $0 + $1.count } == survivors.count)
    }
}

/// A small generator for the property test.
private struct Draw {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func below(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % max(1, bound)
    }
}
