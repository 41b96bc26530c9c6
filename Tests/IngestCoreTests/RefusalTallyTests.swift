import IngestCore
import Records
import Testing

struct RefusalTallyTests {
    @Test func refusalsAreCountedUntilARowIsTaken() {
        var tally = RefusalTally()
        for _ in 0..<19 { tally.stored(taken: 0, refused: 1) }
        #expect(tally.inARow == 19 && tally.expectsRefusals)
        tally.stored(taken: 1, refused: 3)
        #expect(tally.inARow == 0 && tally.expectsRefusals)
        for _ in 0..<RefusalTally.isolatedBatches { tally.stored(taken: 5, refused: 0) }
        #expect(!tally.expectsRefusals)
    }

    /// Whatever it had refused before: the next refusal is not a letter.
    @Test func aTableThatWasHeldIsNotTrustedBeforeItTakesARow() {
        var tally = RefusalTally()
        tally.held(limit: 20)
        #expect(tally.inARow == 20 && tally.expectsRefusals)
        tally.stored(taken: 1, refused: 0)
        #expect(tally.inARow == 0)
    }
}

struct UnstoredStretchTests {
    @Test func itReachesFromTheOldestPendingEntryToTheNewest() throws {
        let stretch = try #require(
            UnstoredStretch(lastGenerated: id(90), lastDelivered: id(50), lowestPending: id(10)))
        #expect(stretch.first == id(10) && stretch.last == id(90))
        #expect(stretch.place(0) == id(10) && stretch.place(0.5) == id(50) && stretch.place(1) == id(90))
    }

    @Test func withoutPendingEntriesItBeginsAtTheUnread() throws {
        let stretch = try #require(UnstoredStretch(lastGenerated: id(90), lastDelivered: id(50), lowestPending: nil))
        #expect(stretch.first == id(50).successor)
        #expect(UnstoredStretch(lastGenerated: id(90), lastDelivered: id(90), lowestPending: nil) == nil)
    }

    @Test func idsOfAnySizeHaveAPlace() throws {
        let stretch = try #require(UnstoredStretch(lastGenerated: .max, lastDelivered: .min, lowestPending: nil))
        for fraction in [0, 0.1, 0.5, 0.999_999_999_999_999_9, 1] {
            let place = stretch.place(fraction)
            #expect(place >= stretch.first && place <= stretch.last)
        }
    }
}
