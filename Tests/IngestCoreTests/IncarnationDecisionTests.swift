import IngestCore
import Records
import Testing

@Suite struct IncarnationDecisionTests {
    private typealias Facts = IncarnationDecision.Facts

    private func record(
        _ number: Int32, isOpen: Bool = true, highest: UInt64? = nil, added: Int? = nil
    ) -> SourceRecord {
        SourceRecord(
            number: SourceNumber(rawValue: number), marker: "m\(number)", isOpen: isOpen,
            highestID: highest.map(id), entriesAdded: added)
    }

    private func stream(_ last: UInt64, added: Int?) -> IncarnationDecision.StreamFacts {
        .init(lastGenerated: id(last), entriesAdded: added)
    }

    private func group(_ markers: String..., delivered: UInt64 = 0, pending: UInt64? = nil)
        -> IncarnationDecision.GroupFacts
    {
        .init(markers: markers, lastDelivered: delivered == 0 ? .min : id(delivered), pendingMin: pending.map(id))
    }

    @Test func theMarkerOfTheOpenRowIsUsed() {
        let facts = Facts(records: [record(1, highest: 5)], stream: stream(9, added: 9), group: group("m1", "other"))
        #expect(IncarnationDecision(facts) == .use(here))
    }

    @Test func aMissingGroupIsNotAMissingStream() {
        let facts = Facts(records: [record(1, highest: 5, added: 5)], stream: stream(9, added: 9), group: nil)
        #expect(IncarnationDecision(facts) == .restore(here, marker: "m1", group: .create))
    }

    @Test func idsOrCountersThatWentBackAreANewStream() {
        let lowIDs = Facts(records: [record(1, highest: 5, added: 5)], stream: stream(4, added: 9), group: nil)
        #expect(IncarnationDecision(lowIDs) == .begin(closing: here, group: .create))
        let fewer = Facts(records: [record(1, highest: 5, added: 5)], stream: stream(9, added: 4), group: nil)
        #expect(IncarnationDecision(fewer) == .begin(closing: here, group: .create))
        let gone = Facts(records: [record(1, highest: 5, added: 5)], stream: nil, group: nil)
        #expect(IncarnationDecision(gone) == .begin(closing: here, group: .create))
    }

    @Test func aSourceWithNothingStoredFitsAnyStream() {
        #expect(
            IncarnationDecision(Facts(records: [record(1)], stream: nil, group: nil))
                == .restore(here, marker: "m1", group: .create))
    }

    @Test func aGroupWithoutMarkerIsReadAgainFromTheBeginning() {
        let facts = Facts(records: [record(1, highest: 5)], stream: stream(9, added: 9), group: group(delivered: 9))
        #expect(IncarnationDecision(facts) == .restore(here, marker: "m1", group: .rewind))
    }

    @Test func beforeRedis7ACommittedEntryMustStillAnswer() {
        var one = record(1, highest: 5)
        #expect(
            IncarnationDecision(Facts(records: [one], stream: stream(9, added: nil), group: nil))
                == .begin(closing: here, group: .create))
        one.hasLivingEntry = true
        #expect(
            IncarnationDecision(Facts(records: [one], stream: stream(9, added: nil), group: nil))
                == .restore(here, marker: "m1", group: .create))
    }

    @Test func aMarkerPutThereJustNowIsJudgedByTheStream() {
        var facts = Facts(records: [record(1, highest: 5, added: 5)], stream: stream(2, added: 2), group: group("m1"))
        facts.wasMarkedJustNow = true
        #expect(IncarnationDecision(facts) == .begin(closing: here, group: .rewind))
    }

    @Test func aMarkerIsDoubtedWhenIdsWentBackOnTheSameServer() {
        var one = record(1, highest: 5)
        #expect(
            IncarnationDecision(Facts(records: [one], stream: stream(2, added: 9), group: group("m1")))
                == .begin(closing: here, group: .rewind))
        one.serverChanged = true
        #expect(
            IncarnationDecision(Facts(records: [one], stream: stream(2, added: 9), group: group("m1"))) == .use(here))
    }

    @Test func aFailoverMayBringAClosedIncarnationBack() {
        var open = record(2)
        open.serverChanged = true
        let facts = Facts(
            records: [record(1, isOpen: false, highest: 5), open], stream: stream(4, added: 4), group: group("m1"))
        #expect(IncarnationDecision(facts) == .reopen(here, closing: there))
        open.serverChanged = false
        let same = Facts(
            records: [record(1, isOpen: false, highest: 5), open], stream: stream(4, added: 4), group: group("m1"))
        #expect(IncarnationDecision(same) == .restore(there, marker: "m2", group: .rewind))
    }

    @Test func entriesItStoredBringAClosedIncarnationBackWithoutItsGroup() {
        var open = record(2)
        open.serverChanged = true
        var closed = record(1, isOpen: false, highest: 5)
        closed.hasLivingEntry = true
        #expect(
            IncarnationDecision(Facts(records: [closed, open], stream: stream(4, added: 4), group: nil))
                == .reopen(here, closing: there))
    }

    @Test func theFirstLookBegins() {
        #expect(
            IncarnationDecision(Facts(records: [], stream: nil, group: nil)) == .begin(closing: nil, group: .create))
    }

    @Test func aGroupFromBeforeIsAdopted() {
        let facts = Facts(records: [], stream: stream(9, added: 9), group: group(delivered: 7, pending: 4))
        #expect(IncarnationDecision(facts) == .adopt(floor: StreamID(milliseconds: 3, sequence: .max)))
        let clean = Facts(records: [], stream: stream(9, added: 9), group: group(delivered: 7))
        #expect(IncarnationDecision(clean) == .adopt(floor: id(7)))
        let untouched = Facts(records: [], stream: stream(9, added: 9), group: group())
        #expect(IncarnationDecision(untouched) == .adopt(floor: nil))
    }

    /// A database restored to before its first source: adopting would take all that was acknowledged for done.
    @Test func aMarkerWithoutARowIsNeverAdopted() {
        let facts = Facts(records: [], stream: stream(9, added: 9), group: group("m1", delivered: 7))
        #expect(IncarnationDecision(facts) == .begin(closing: nil, group: .rewind))
    }

    @Test func aSecondGroupIsRefused() {
        var facts = Facts(records: [], stream: stream(9, added: 9), group: nil)
        facts.otherGroupIngests = true
        #expect(IncarnationDecision(facts) == .refuse(.otherGroupIngests))
    }

    @Test func theLastIDIsMovedForwardOnlyAndOnlyAfterAFailover() {
        var one = record(1, highest: 5)
        #expect(IncarnationDecision.advancedID(one, lastGenerated: id(3)) == nil)
        one.serverChanged = true
        #expect(IncarnationDecision.advancedID(one, lastGenerated: id(3)) == id(5))
        #expect(IncarnationDecision.advancedID(one, lastGenerated: id(5)) == nil)
    }
}

@Suite struct DestinationCheckTests {
    private let identity = DestinationCheck.Identity(system: 7, timeline: 1)

    @Test func theSameDatabaseWithAllAcknowledgedIDsIsFine() {
        let check = DestinationCheck(
            stored: identity, found: identity, acknowledged: [here: id(5)], coverage: covering(span(1, 9)))
        #expect(check == .ok)
    }

    @Test func anEmptyDestinationIsUnknown() {
        #expect(
            DestinationCheck(stored: nil, found: identity, acknowledged: [:], coverage: Coverage()) == .unknown)
    }

    @Test func whatWentBackIsNamed() {
        let found = DestinationCheck.Identity(system: 7, timeline: 2)
        let check = DestinationCheck(
            stored: identity, found: found, acknowledged: [there: id(5), here: id(9)],
            coverage: covering(span(1, 9)))
        #expect(check == .wentBack([.timelineChanged, .acknowledgedIDMissing(there, id(5))]))
        let other = DestinationCheck(
            stored: identity, found: .init(system: 8, timeline: 1), acknowledged: [:], coverage: Coverage())
        #expect(other == .wentBack([.systemChanged]))
    }

    @Test func anEmptyDatabaseThatRedisKnowsWentBack() {
        let check = DestinationCheck(
            stored: nil, found: identity, acknowledged: [here: id(5)], coverage: Coverage())
        #expect(check == .wentBack([.acknowledgedIDMissing(here, id(5))]))
    }
}
