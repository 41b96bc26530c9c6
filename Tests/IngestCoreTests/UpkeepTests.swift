import IngestCore
import Records
import Testing

@Suite struct TrimDecisionTests {
    private func facts(
        first: UInt64 = 1, groups: [TrimDecision.Group], now: UInt64 = 10_000_000, covered: [IDRange] = [span(1, 900)],
        referred: UInt64? = nil, retention: Duration = .seconds(3600)
    ) -> TrimDecision.Facts {
        .init(
            first: id(first), groups: groups, now: now, retention: retention, covered: covered,
            lowestReferred: referred.map { id($0) })
    }

    private func group(_ delivered: UInt64, pending: Int = 0, lowest: UInt64? = nil) -> TrimDecision.Group {
        .init(lastDelivered: id(delivered), pending: pending, lowestPending: lowest.map { id($0) })
    }

    private func end(_ milliseconds: UInt64) -> StreamID { StreamID(milliseconds: milliseconds, sequence: .max) }

    @Test func everythingAcknowledgedMayGo() {
        let plan = TrimDecision.plan(facts(groups: [group(900)]))
        #expect(plan?.limit == id(900).successor)
        #expect(plan?.gaps.isEmpty == true)
    }

    @Test func theSlowestGroupDecides() {
        #expect(TrimDecision.plan(facts(groups: [group(900), group(300)]))?.limit == id(300).successor)
        #expect(TrimDecision.plan(facts(groups: [group(900), group(0)])) == nil)
        #expect(TrimDecision.plan(facts(groups: [])) == nil, "without groups nothing was acknowledged")
    }

    @Test func whatIsPendingStaysAndEverythingBehindIt() {
        let plan = TrimDecision.plan(facts(groups: [group(900), group(900, pending: 2, lowest: 40)]))
        #expect(plan?.limit == id(40))
        #expect(
            TrimDecision.plan(facts(groups: [group(900, pending: 2)])) == nil, "numbers of two moments prove nothing")
    }

    @Test func whatIsYoungStays() {
        let plan = TrimDecision.plan(facts(groups: [group(900)], now: 3_600_500))
        #expect(plan?.limit == id(500))
        #expect(TrimDecision.plan(facts(groups: [group(900)], now: 3_600_000)) == nil)
        #expect(TrimDecision.plan(facts(groups: [group(900)], now: 900, retention: .seconds(Int64.max))) == nil)
    }

    @Test func whatALetterRefersToStays() {
        #expect(TrimDecision.plan(facts(groups: [group(900)], referred: 77))?.limit == id(77))
    }

    @Test func whatTheLedgerDoesNotCoverHasToBeLookedAt() {
        let plan = TrimDecision.plan(facts(groups: [group(900)], covered: [span(10, 20), span(1, 5), span(30, 900)]))
        #expect(plan?.limit == id(900).successor)
        #expect(
            plan?.gaps == [
                IDRange(StreamID(milliseconds: 5, sequence: 1), end(9)),
                IDRange(StreamID(milliseconds: 20, sequence: 1), end(29)),
            ])
        let uncovered = TrimDecision.plan(facts(groups: [group(900)], covered: []))
        #expect(uncovered?.gaps == [IDRange(id(1), id(900))], "no row: every entry has to be looked at")
    }

    @Test func tooManyGapsLowerTheLimit() {
        let rows: [IDRange] = ids(1, 11, 21, 31, 41, 51).map { IDRange($0, id($0.milliseconds + 4)) }
        let plan = TrimDecision.plan(facts(groups: [group(900)], covered: rows), gapLimit: 3)
        #expect(plan?.gaps.count == 3)
        #expect(plan?.limit == StreamID(milliseconds: 35, sequence: 1))
    }
}

@Suite struct ConservationTests {
    private func reading(
        added: Int? = 100, read: Int? = 100, unread: Int? = 0, pending: Int = 0, recorded: Int? = 100
    ) -> Conservation.Reading {
        .init(added: added, read: read, unread: unread, pending: pending, recorded: recorded)
    }

    @Test func aDifferenceCountsWhenItShowsTwice() {
        var books = Conservation()
        #expect(books.read(reading(recorded: 97)) == .unknown)
        #expect(books.read(reading(recorded: 98)) == .known(2))
        #expect(books.read(reading()) == .known(0))
        #expect(books.read(reading(read: nil)) == .unknown)
        #expect(books.read(reading(recorded: 90)) == .unknown, "the reading before knew nothing")
    }

    @Test func moreInTheLedgerThanAcknowledgedIsNoError() {
        var books = Conservation()
        #expect(books.read(reading(pending: 10)) == .known(0))
        #expect(reading(recorded: nil).unaccounted == nil, "adopted entries are not counted")
    }

    @Test func whatWentBeforeItWasReadIsCounted() {
        #expect(reading(added: 100, read: 60, unread: 0, recorded: 60).trimmedUnread == 40)
        #expect(reading(added: 100, read: 60, unread: 30, pending: 5, recorded: 55).trimmedUnread == 10)
        #expect(reading(added: 100, read: 0, unread: 20, recorded: 80).trimmedUnread == 0, "the group was made anew")
        #expect(reading(added: 100, read: 60, unread: nil).trimmedUnread == nil)
        #expect(reading(read: 100, recorded: 97).trimmedUnread == 0, "those were read")
    }
}

@Suite struct AuditPageTests {
    @Test func anEntryIsCoveredOrPendingOrMissing() {
        let result = AuditPage.judge(
            ids(1, 2, 3, 4, 9), lastDelivered: id(5), pending: [id(2), id(3)],
            coverage: covering(span(1, 1), span(3, 3)), of: here)
        #expect(result.entries == 4, "what is above last-delivered does not count")
        #expect(result.pending == 1, "covered entries may be pending for a while")
        #expect(result.firstOpen == id(2))
        #expect(result.missing == [id(4)])
    }

    @Test func theCoverageOfAnotherSourceDoesNotCount() {
        let coverage = covering(span(1, 9), of: there)
        let result = AuditPage.judge([id(1)], lastDelivered: id(9), pending: [], coverage: coverage, of: here)
        #expect(result.missing == [id(1)])
    }
}
