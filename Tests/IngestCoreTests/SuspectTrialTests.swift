import IngestCore
import Records
import Testing

struct SuspectTrialTests {
    private let ids = (1...1_200).map { StreamID(milliseconds: UInt64($0), sequence: 0) }

    @Test func whatNobodyDiedOfIsTriedTogetherInPieces() {
        #expect(SuspectTrial(ids, loneAttempts: [:]) == .together(500))
        #expect(SuspectTrial(Array(ids.prefix(7)), loneAttempts: [:]) == .together(7))
    }

    @Test func companyEndsBeforeAnEntryThatWasNoted() {
        #expect(SuspectTrial(ids, loneAttempts: [ids[3]: 0]) == .together(3))
    }

    @Test func whatWasNotedIsTriedAlone() {
        for attempts in 0..<SuspectTrial.fatalAttempts {
            #expect(SuspectTrial(ids, loneAttempts: [ids[0]: attempts]) == .alone)
        }
    }

    @Test func onlyDeathsAloneGiveAnEntryUp() {
        #expect(SuspectTrial(ids, loneAttempts: [ids[0]: SuspectTrial.fatalAttempts]) == .givenUp)
    }
}
