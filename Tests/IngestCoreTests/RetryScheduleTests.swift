import IngestCore
import Testing

struct RetryScheduleTests {
    @Test func pausesDoubleUpToTheLongestAndEndWithTheLastTry() {
        let schedule = RetrySchedule(isJittered: false)
        let pauses = (0..<9).map { schedule.pause(afterAttempts: $0, jitter: 0.3) }
        let minutes: [Int?] = [1, 2, 4, 8, 16, 32, 64, 120, nil]
        #expect(pauses == minutes.map { minutes in minutes.map { .seconds(60 * $0) } })
    }

    @Test func jitterIsAnywhereBetweenNothingAndThePause() {
        let schedule = RetrySchedule()
        #expect(schedule.pause(afterAttempts: 3, jitter: 0) == .zero)
        #expect(schedule.pause(afterAttempts: 3, jitter: 0.5) == .seconds(240))
        #expect(schedule.pause(afterAttempts: 3, jitter: 1) == .seconds(480))
    }

    @Test func noAttemptsAreNoRetries() {
        #expect(RetrySchedule(maximumAttempts: 0).pause(afterAttempts: 0, jitter: 1) == nil)
    }

    @Test func onlyWhatMayPassByItselfHeals() {
        #expect(RetrySchedule.mayHeal(sqlState: "23503", constraint: "fk"))
        #expect(RetrySchedule.mayHeal(sqlState: "53400", constraint: nil))
        // No partition for the row; a CHECK has a name.
        #expect(RetrySchedule.mayHeal(sqlState: "23514", constraint: nil))
        #expect(!RetrySchedule.mayHeal(sqlState: "23514", constraint: "positive"))
        #expect(!RetrySchedule.mayHeal(sqlState: "22003", constraint: nil))
        #expect(!RetrySchedule.mayHeal(sqlState: "23505", constraint: "key"))
        #expect(!RetrySchedule.mayHeal(sqlState: nil, constraint: nil))
    }
}
