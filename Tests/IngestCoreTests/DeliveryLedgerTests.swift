import IngestCore
import Records
import Testing

@Suite struct DeliveryLedgerTests {
    private func makeReceipt(for attempt: CommitAttempt) -> CommitReceipt? {
        var seen = CommitObservation(expectedRows: [])
        (seen.finalTag, seen.isIdle, seen.mayHaveCommitted) = ("COMMIT", true, true)
        guard case .durable(let receipt) = CommitOutcome(seen, of: attempt) else { return nil }
        return receipt
    }

    @Test func nothingIsAcknowledgedWithoutAReceiptOrCoverage() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1, 2))])
        _ = ledger.plan(batch, coverage: nil)
        #expect(ledger.settleCovered(batch).isEmpty)
        #expect(!ledger.isEmpty)
        #expect(ledger.leave(batch).isEmpty)
        #expect(ledger.isEmpty)
    }

    @Test func aReceiptSettlesTheWholeBatchOnce() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1, 2)), .claimed(source: there, ids: ids(5))])
        let (attempt, _) = try must(ledger.plan(batch, coverage: covering(span(2, 2))))
        let receipt = try must(makeReceipt(for: attempt))
        let due = ledger.settle(receipt)
        #expect(due.map(\.source) == [here, there])
        #expect(due.map(\.ids) == [ids(1, 2), ids(5)])
        #expect(ledger.settle(receipt).isEmpty)
    }

    @Test func aReceiptOfAnEarlierTryGivesNothing() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1))])
        let (first, _) = try must(ledger.plan(batch, coverage: nil))
        _ = ledger.plan(batch, coverage: Coverage())
        #expect(ledger.settle(try must(makeReceipt(for: first))).isEmpty)
        #expect(ledger.batchesInFlight == [batch])
    }

    @Test func aReceiptIsVoidAfterTheBatchWasCut() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1, 2, 3))])
        let (attempt, _) = try must(ledger.plan(batch, coverage: nil))
        let rest = try must(ledger.split(batch, after: 1))
        #expect(ledger.settle(try must(makeReceipt(for: attempt))).isEmpty)
        #expect(ledger.deliveries(of: batch).map(\.ids) == [ids(1)])
        #expect(ledger.deliveries(of: rest).map(\.ids) == [ids(2, 3)])
    }

    @Test func aRetryIsProbedAFirstTryIsNot() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1, 4))])
        #expect(ledger.probes(for: batch).isEmpty)
        _ = ledger.plan(batch, coverage: nil)
        #expect(ledger.probes(for: batch).map(\.ids) == [span(1, 4)])
    }

    @Test func whatIsCoveredMayBeAcknowledgedWhenTheRestIsLeft() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.claimed(source: here, ids: ids(1, 2, 3))])
        _ = ledger.plan(batch, coverage: covering(span(2, 2)))
        #expect(ledger.leave(batch).map(\.ids) == [ids(2)])
    }

    @Test func aConflictReplansTheBatch() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1, 2))])
        let (first, _) = try must(ledger.plan(batch, coverage: nil))
        let (second, step) = try must(ledger.conflicted(batch, coverage: covering(span(1, 2))))
        #expect(first != second)
        guard case .acknowledgeCovered = step else { return #expect(Bool(false)) }
        #expect(ledger.settleCovered(batch).map(\.ids) == [ids(1, 2)])
    }

    @Test func whatIsInFlightIsKnownUntilItIsSettled() throws {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: here, ids: ids(1, 2))])
        #expect(ledger.isInFlight(id(2), of: here))
        #expect(!ledger.isInFlight(id(2), of: there))
        _ = ledger.leave(batch)
        #expect(!ledger.isInFlight(id(2), of: here))
    }

    @Test func strangeCallsDoNothing() {
        var ledger = DeliveryLedger()
        let unknown = BatchNumber(rawValue: 77)
        #expect(ledger.plan(unknown, coverage: nil) == nil)
        #expect(ledger.conflicted(unknown, coverage: Coverage()) == nil)
        #expect(ledger.split(unknown, after: 1) == nil)
        #expect(ledger.leave(unknown).isEmpty)
        let batch = ledger.admit([.fresh(source: here, ids: ids(1))])
        #expect(ledger.split(batch, after: 0) == nil)
        #expect(ledger.split(batch, after: 1) == nil)
        #expect(ledger.conflicted(batch, coverage: Coverage()) == nil)
    }
}

@Suite struct AcknowledgementQueueTests {
    private func due(_ source: SourceNumber, _ ids: [StreamID]) -> [Acknowledgement] {
        var ledger = DeliveryLedger()
        let batch = ledger.admit([.fresh(source: source, ids: ids)])
        _ = ledger.plan(batch, coverage: Coverage([(source: source, ids: IDRange(.min, .max))]))
        return ledger.settleCovered(batch)
    }

    @Test func whatFailedGoesAgain() {
        var queue = AcknowledgementQueue()
        queue.append(due(here, ids(1, 2, 3)))
        #expect(queue.send(limit: 2).map(\.ids) == [ids(1, 2), ids(3)])
        #expect(queue.send().isEmpty)
        queue.fail()
        #expect(queue.send().flatMap(\.ids) == ids(1, 2, 3))
        queue.confirm()
        #expect(queue.isEmpty)
    }

    /// The rest goes with the next pipeline, whatever became of the first part.
    @Test func aLongQueueIsSentInParts() {
        var queue = AcknowledgementQueue()
        queue.append(due(here, ids(1, 2, 3, 4)) + due(there, ids(5, 6)))
        #expect(queue.send(limit: 2, most: 3).map(\.ids) == [ids(1, 2), ids(3)])
        #expect(queue.count == 6)
        queue.confirm()
        #expect(queue.send(limit: 2, most: 2).map(\.ids) == [ids(4), ids(5)])
        queue.fail()
        #expect(queue.send(limit: 2, most: 9).map(\.ids) == [ids(4), ids(5), ids(6)])
        queue.confirm()
        #expect(queue.isEmpty)
    }

    @Test func aHeldQueueSendsNothing() {
        var queue = AcknowledgementQueue()
        queue.append(due(here, ids(1)))
        queue.isHeld = true
        #expect(queue.send().isEmpty)
        queue.isHeld = false
        #expect(queue.send().count == 1)
    }

    @Test func anEndedIncarnationIsNeverAcknowledged() {
        var queue = AcknowledgementQueue()
        queue.append(due(here, ids(1)) + due(there, ids(2)))
        _ = queue.send()
        queue.keep(sources: [there])
        queue.fail()
        #expect(queue.send().map(\.source) == [there])
    }
}
