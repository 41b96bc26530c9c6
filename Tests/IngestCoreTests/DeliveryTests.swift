import IngestCore
import Records
import Testing

@Suite struct DeliveryTests {
    @Test func aFreshReplyIsOneRun() {
        #expect(Delivery.fresh(source: here, ids: ids(1, 5, 9)).runs == [0..<3])
        #expect(Delivery.fresh(source: here, ids: []).runs.isEmpty)
    }

    @Test func anEntryThatWasReadPastCutsTheRun() {
        #expect(Delivery.fresh(source: here, ids: ids(1, 5, 9), unread: ids(7)).runs == [0..<2, 2..<3])
        #expect(Delivery.fresh(source: here, ids: ids(1, 5, 9), unread: ids(12, 0)).runs == [0..<3])
        #expect(Delivery.fresh(source: here, ids: ids(1, 5), unread: ids(3, 2, 4)).runs == [0..<1, 1..<2])
    }

    @Test func claimsAreSinglesWithoutProof() {
        #expect(Delivery.claimed(source: here, ids: ids(1, 2, 3)).runs == [0..<1, 1..<2, 2..<3])
    }

    @Test func claimsThatAreNeighboursInTheStreamAreARun() {
        let delivery = Delivery.claimed(source: here, ids: ids(1, 3, 7, 9), existing: ids(1, 3, 5, 7, 9))
        #expect(delivery.runs == [0..<2, 2..<4])
    }

    @Test func aDeletedEntryIsARunOfItsOwn() {
        let delivery = Delivery.claimed(source: here, ids: ids(1, 2, 3), existing: ids(1, 3))
        #expect(delivery.runs == [0..<1, 1..<2, 2..<3])
    }

    @Test func aReplyThatDoesNotAscendProvesNothing() {
        let delivery = Delivery.fresh(source: here, ids: ids(5, 1, 5, 3))
        #expect(delivery.ids == ids(1, 3, 5))
        #expect(delivery.runs.count == 3)
        #expect(Delivery.claimed(source: here, ids: ids(1, 3), existing: ids(3, 1)).runs.count == 2)
    }

    @Test func aPartKeepsItsRuns() {
        let delivery = Delivery.claimed(source: here, ids: ids(1, 3, 7, 9), existing: ids(1, 3, 5, 7, 9))
        #expect(delivery.part(1..<4).runs == [0..<1, 1..<3])
        #expect(delivery.part(1..<4).ids == ids(3, 7, 9))
        #expect(delivery.part(9..<20).ids.isEmpty)
    }

    @Test func holdsSearchesTheIds() {
        let delivery = Delivery.fresh(source: here, ids: ids(1, 5, 9))
        #expect(delivery.holds(id(5)))
        #expect(!delivery.holds(id(6)))
        #expect(!delivery.holds(.max))
    }
}
