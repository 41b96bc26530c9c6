import IngestCore
import Records
import Testing

@Suite struct FloorMergeTests {
    private func row(_ lower: UInt64, _ upper: UInt64, _ count: Int?) -> FloorMerge.Row {
        FloorMerge.Row(ids: span(lower, upper), count: count)
    }

    private func facts(
        lastDelivered: UInt64 = 9, pending: IDRange? = nil, read: Int? = 9, pendingCount: Int = 0,
        rows: [FloorMerge.Row]
    ) -> FloorMerge.Facts {
        FloorMerge.Facts(
            tokenBefore: [1], lastDelivered: id(lastDelivered), pending: pending,
            counts: read.map { .init(entriesRead: $0, pending: pendingCount, lastDelivered: id(lastDelivered)) },
            tokenAfter: [1], rows: rows)
    }

    @Test func everythingAcknowledgedBecomesOneRow() {
        let decision = FloorMerge.decide(facts(rows: [row(1, 4, 4), row(5, 9, 5)]), fewestRows: 2)
        #expect(decision == .floor(IDRange(id(1), id(9)), count: 9, replacing: 2))
    }

    @Test func theFloorStaysBelowTheSmallestPendingEntry() {
        let decision = FloorMerge.decide(
            facts(pending: span(5, 9), read: 9, pendingCount: 5, rows: [row(1, 2, 2), row(3, 4, 2), row(6, 7, 2)]),
            fewestRows: 2)
        let below = StreamID(milliseconds: 4, sequence: .max)
        #expect(decision == .floor(IDRange(id(1), below), count: 4, replacing: 2))
    }

    @Test func theFloorStaysBelowWhatWasDeliveredAtFirst() {
        let decision = FloorMerge.decide(
            facts(lastDelivered: 4, read: 4, rows: [row(1, 2, 2), row(3, 4, 2), row(6, 7, 2)]), fewestRows: 2)
        #expect(decision == .floor(IDRange(id(1), id(4)), count: 4, replacing: 2))
    }

    @Test func aRowAcrossTheFloorLowersIt() {
        let decision = FloorMerge.decide(
            facts(pending: span(6, 6), read: 5, pendingCount: 1, rows: [row(1, 2, 2), row(3, 4, 2), row(5, 8, 2)]),
            fewestRows: 2)
        #expect(decision == .floor(IDRange(id(1), StreamID(milliseconds: 4, sequence: .max)), count: 4, replacing: 2))
    }

    @Test func anEntryWithoutARowForbidsTheFloor() {
        let decision = FloorMerge.decide(facts(read: 10, rows: [row(1, 4, 4), row(6, 9, 4)]), fewestRows: 2)
        #expect(decision == .inspect(gaps: [IDRange(StreamID(milliseconds: 4, sequence: 1), id(5).gapEnd)]))
    }

    @Test func unknownCountsForbidTheFloor() {
        guard case .inspect = FloorMerge.decide(facts(read: nil, rows: [row(1, 4, 4), row(6, 9, 4)]), fewestRows: 2)
        else { return #expect(Bool(false)) }
        guard
            case .inspect = FloorMerge.decide(facts(read: 3, rows: [row(1, 4, nil), row(6, 9, 4)]), fewestRows: 2)
        else { return #expect(Bool(false)) }
        guard
            case .inspect = FloorMerge.decide(
                facts(read: .min, pendingCount: 1, rows: [row(1, 4, 4), row(6, 9, 4)]), fewestRows: 2)
        else { return #expect(Bool(false)) }
    }

    @Test func aGroupThatWasSetBackHasNoCounts() {
        let decision = FloorMerge.decide(
            facts(lastDelivered: 3, pending: span(8, 9), read: 3, pendingCount: 2, rows: [row(1, 1, 1), row(3, 3, 1)]),
            fewestRows: 2)
        guard case .inspect = decision else { return #expect(Bool(false), "\(decision)") }
    }

    @Test func aChangedTokenForbidsEverything() {
        var facts = facts(rows: [row(1, 4, 4), row(5, 9, 5)])
        facts.tokenAfter = [2]
        #expect(FloorMerge.decide(facts, fewestRows: 2) == .nothing(.tokenChanged))
        facts.tokenBefore = nil
        facts.tokenAfter = nil
        #expect(FloorMerge.decide(facts, fewestRows: 2) == .nothing(.tokenChanged))
    }

    @Test func fewRowsAreLeftAlone() {
        #expect(FloorMerge.decide(facts(rows: [row(1, 9, 9)])) == .nothing(.tooFewRows))
        #expect(FloorMerge.decide(facts(rows: []), fewestRows: 0) == .nothing(.tooFewRows))
    }

    @Test func neighboursMergeAcrossEmptyGapsOnly() {
        let rows = [row(1, 2, 2), row(4, 5, 2), row(8, 9, 2), row(12, 12, 1)]
        let gaps = zip(rows, rows.dropFirst()).map { left, right in
            IDRange(StreamID(milliseconds: left.ids.upper.milliseconds, sequence: 1), right.ids.lower.gapBelow)
        }
        let merged = FloorMerge.merging(rows, emptyGaps: [gaps[0], gaps[2]])
        #expect(merged.map(\.row.ids) == [span(1, 5), span(8, 12)])
        #expect(merged.map(\.row.count) == [4, 3])
        #expect(merged.map(\.replacing) == [0..<2, 2..<4])
        #expect(FloorMerge.merging(rows, emptyGaps: []).isEmpty)
    }

    /// What was there before Millrace came has no count. Its neighbours have, and keep it.
    @Test func rowsWithoutACountAreNotJoined() {
        let rows = [row(1, 4, nil), row(5, 6, 2), row(7, 9, 3)]
        let gaps = zip(rows, rows.dropFirst()).map { left, right in
            IDRange(StreamID(milliseconds: left.ids.upper.milliseconds, sequence: 1), right.ids.lower.gapBelow)
        }
        let merged = FloorMerge.merging(rows, emptyGaps: gaps)
        #expect(merged.map(\.row) == [row(5, 9, 5)])
        #expect(merged.map(\.replacing) == [1..<3])
    }

    /// Gaps that never close do not hide those behind them.
    @Test func aWindowOfGapsLiesAnywhere() {
        let rows = (1...11).map { row(UInt64($0), UInt64($0), 1) }
        func window(_ position: Double) -> [StreamID] {
            let decision = FloorMerge.decide(
                facts(read: nil, rows: rows), fewestRows: 2, gapLimit: 4, position: position)
            guard case .inspect(let gaps) = decision else { return [] }
            return gaps.map(\.lower)
        }
        func gaps(_ milliseconds: ClosedRange<UInt64>) -> [StreamID] {
            milliseconds.map { StreamID(milliseconds: $0, sequence: 1) }
        }
        #expect(window(0) == gaps(1...4))
        #expect(window(0.5) == gaps(4...7))
        #expect(window(1) == gaps(7...10))
        #expect(window(7) == gaps(7...10))
    }

    @Test func rowsWithoutAnyIDInBetweenNeedNoProof() {
        let left = FloorMerge.Row(ids: IDRange(id(1), StreamID(milliseconds: 1, sequence: 4)), count: 5)
        let right = FloorMerge.Row(ids: IDRange(StreamID(milliseconds: 1, sequence: 5)), count: 1)
        #expect(FloorMerge.merging([left, right], emptyGaps: []).map(\.row.count) == [6])
    }
}

extension StreamID {
    fileprivate var gapBelow: StreamID { StreamID(milliseconds: milliseconds - 1, sequence: .max) }
    fileprivate var gapEnd: StreamID { StreamID(milliseconds: milliseconds, sequence: .max) }
}
