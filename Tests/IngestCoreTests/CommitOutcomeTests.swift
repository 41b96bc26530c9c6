import IngestCore
import Records
import Testing

@Suite struct CommitOutcomeTests {
    private func attempt() -> CommitAttempt? {
        var ledger = DeliveryLedger()
        return ledger.plan(ledger.admit([.fresh(source: here, ids: ids(1))]), coverage: nil)?.attempt
    }

    private func flawless() -> CommitObservation {
        var seen = CommitObservation(expectedRows: [3, 2])
        seen.copiedRows = [3, 2]
        (seen.finalTag, seen.isIdle, seen.mayHaveCommitted) = ("COMMIT", true, true)
        return seen
    }

    private func judge(_ change: (inout CommitObservation) -> Void) throws -> CommitOutcome {
        var seen = flawless()
        change(&seen)
        return CommitOutcome(seen, of: try #require(attempt()))
    }

    @Test func onlyAFlawlessAnswerIsDurable() throws {
        guard case .durable = try judge({ _ in }) else { return #expect(Bool(false)) }
        #expect(try judge { $0.warnings = 1 } == .unknown(.warned))
        #expect(try judge { $0.isIdle = false } == .unknown(.unclear))
        #expect(try judge { $0.finalTag = nil } == .unknown(.unclear))
        #expect(try judge { $0.finalTag = "COMMIT " } == .unknown(.unclear))
        #expect(try judge { $0.finalTag = "ROLLBACK" } == .failed(.rolledBack))
        #expect(try judge { $0.copiedRows = [3, 1] } == .committedShort)
        #expect(try judge { $0.copiedRows = [3] } == .committedShort)
    }

    @Test func aLostConnectionIsUnknownOnceCommitMayHaveRun() throws {
        #expect(try judge { $0.isConnectionLost = true } == .unknown(.connectionLost))
        #expect(
            try judge {
                $0.isConnectionLost = true
                $0.failure = .init(sqlState: "57P01")
            } == .unknown(.connectionLost))
        #expect(
            try judge {
                ($0.isConnectionLost, $0.mayHaveCommitted) = (true, false)
            } == .failed(.connectionLost))
    }

    @Test func aConflictIsNotAFailure() throws {
        #expect(try judge { $0.failure = .init(sqlState: "SL001") } == .conflict)
        #expect(
            try judge { $0.failure = .init(sqlState: "40P01") }
                == .failed(FailureClass(sqlState: "40P01", isConnectionLost: false)))
    }

    @Test func shortCountsThatWereRolledBackAreIsolated() throws {
        let outcome = try judge {
            ($0.finalTag, $0.copiedRows) = ("ROLLBACK", [3, 1])
        }
        #expect(outcome == .failed(.copyCountMismatch))
    }
}
