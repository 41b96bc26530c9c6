import Testing

@testable import millrace

struct EntryFateTests {
    private func fate(_ change: (inout EntryFate.Facts) -> Void) -> EntryFate {
        var facts = EntryFate.Facts()
        change(&facts)
        return EntryFate(facts)
    }

    @Test func theLedgerSaysStoredUnlessThereIsALetter() {
        #expect(
            fate {
                $0.isCovered = true
                $0.isInStream = true
            } == .stored(batch: nil))
        #expect(
            fate {
                $0.isCovered = true
                $0.batch = "b"
                $0.pendingConsumer = "c"
            } == .storedNotAcknowledged(batch: "b"))
        #expect(
            fate {
                $0.isCovered = true
                $0.letterState = "open"
            } == .letter(state: "open"))
    }

    @Test func aRangeAloneDoesNotProveThatThereWasAnEntry() {
        #expect(
            fate {
                $0.isCovered = true
                $0.batch = "b"
            } == .covered)
        #expect(EntryFate.covered.word == "covered")
    }

    @Test func whatIsNotStoredIsPendingWaitingOrLost() {
        #expect(fate { $0.pendingConsumer = "c" } == .pending(consumer: "c"))
        #expect(
            fate {
                $0.isInStream = true
                $0.wasGenerated = true
            } == .waiting)
        #expect(
            fate {
                $0.isInStream = true
                $0.isDelivered = true
            } == .unaccounted)
        #expect(fate { $0.wasGenerated = true } == .gone)
        #expect(fate { _ in } == .unknown)
    }
}
