import IngestCore
import Testing

struct TableBreakerTests {
    private func seconds(_ value: Double) -> Duration { .seconds(value) }

    @Test func aLockIsWaitedForAndThenTheNextBatchDecides() {
        var breaker = TableBreaker(.busy, now: .zero, jitter: 1)
        #expect(breaker.holds(at: .milliseconds(99)))
        #expect(!breaker.holds(at: .milliseconds(100)))
        // It fails again: the wait doubles, up to two seconds.
        var now = Duration.milliseconds(100)
        for wait in [200, 400, 800, 1_600, 2_000, 2_000] {
            breaker.failed(.busy, now: now, jitter: 1)
            #expect(breaker.holds(at: now + .milliseconds(wait - 1)))
            now += .milliseconds(wait)
            #expect(!breaker.holds(at: now))
        }
    }

    @Test func answersOfBatchesSentBeforeItOpenedChangeNothing() {
        var breaker = TableBreaker(.busy, now: .zero, jitter: 1)
        for _ in 0..<50 { breaker.failed(.busy, now: .milliseconds(50), jitter: 1) }
        #expect(!breaker.holds(at: .milliseconds(100)))
    }

    @Test(arguments: [TableHold.schema, .access, .refusesRows])
    func whatAPersonHasToMendIsCheckedByOneLaneBeforeAnyBatch(hold: TableHold) {
        var breaker = TableBreaker(hold, now: .zero, jitter: 0)
        let take1 = breaker.takeCheck(now: .zero)
        #expect(!take1)
        let later = Duration.seconds(100)
        #expect(breaker.holds(at: later), "not tried unchecked")
        let take2 = breaker.takeCheck(now: later)
        #expect(take2)
        let take3 = breaker.takeCheck(now: later)
        #expect(!take3, "one lane is enough")
        breaker.checked(isFit: false, now: later, jitter: 1)
        #expect(breaker.holds(at: later))
        let take4 = breaker.takeCheck(now: later + .seconds(60))
        #expect(take4)
        breaker.checked(isFit: true, now: later, jitter: 1)
        #expect(!breaker.holds(at: later))
    }

    @Test func thereIsNeverNoWaitAtAll() {
        var breaker = TableBreaker(.schema, now: .zero, jitter: 0)
        let take5 = breaker.takeCheck(now: .milliseconds(249))
        #expect(!take5)
        let take6 = breaker.takeCheck(now: .milliseconds(250))
        #expect(take6)
    }

    @Test func onlyATablesOwnFailureHoldsIt() {
        #expect(TableHold(FailureClass(sqlState: "55P03", isConnectionLost: false), namesTable: true) == .busy)
        #expect(TableHold(FailureClass(sqlState: "42703", isConnectionLost: false), namesTable: true) == .schema)
        #expect(TableHold(FailureClass(sqlState: "42501", isConnectionLost: false), namesTable: true) == .access)
        // The ledger itself is not reachable: nothing can be stored at all.
        #expect(TableHold(FailureClass(sqlState: "42501", isConnectionLost: false), namesTable: false) == nil)
        for code in ["53100", "57P01", "40001", "22003", "25006", "SL001"] {
            #expect(TableHold(FailureClass(sqlState: code, isConnectionLost: false), namesTable: true) == nil)
        }
    }
}
