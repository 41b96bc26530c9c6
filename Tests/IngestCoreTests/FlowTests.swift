import IngestCore
import Records
import Testing

@Suite struct BackoffTests {
    @Test func theCeilingDoublesUpToTheCap() {
        let backoff = Backoff(base: .milliseconds(100), cap: .seconds(1))
        let ceilings = (0...6).map { backoff.ceiling(afterFailures: $0) }
        #expect(ceilings == [0, 100, 200, 400, 800, 1_000, 1_000].map { .milliseconds($0) })
        #expect(backoff.ceiling(afterFailures: .max) == .seconds(1))
        #expect(Backoff(base: .zero).ceiling(afterFailures: .max) == .zero)
    }

    @Test func jitterTakesAPartOfTheCeiling() {
        var backoff = Backoff(base: .milliseconds(100), cap: .seconds(1))
        #expect(backoff.failed(jitter: 0.5) == .milliseconds(50))
        #expect(backoff.failed(jitter: 1) == .milliseconds(200))
        #expect(backoff.failed(jitter: -3) == .zero)
        #expect(backoff.failed(jitter: 9) == .milliseconds(800))
        #expect(backoff.failed(jitter: .nan) == .seconds(1))
        backoff.succeeded()
        #expect(backoff.failed(jitter: 1) == .milliseconds(100))
    }
}

@Suite struct ClaimSweepTests {
    private let dead = ClaimSweep.Consumer(name: "w.0.1", pending: 3, silence: .seconds(6))
    private let alive = ClaimSweep.Consumer(name: "w.0.2", pending: 3, silence: .seconds(1))
    private let stranger = ClaimSweep.Consumer(name: "other", pending: 3, silence: nil)

    @Test func entriesOfTheDeadAreClaimedAtOnce() {
        var sweep = ClaimSweep()
        #expect(
            sweep.next(me: "me", consumers: [alive, stranger, dead]) == .claimFromDead(consumer: "w.0.1", after: .min))
        #expect(sweep.claimedFromDead(ids(4, 7)) { $0 == id(7) } == ids(4))
        let next = StreamID(milliseconds: 7, sequence: 1)
        #expect(sweep.next(me: "me", consumers: [alive, dead]) == .claimFromDead(consumer: "w.0.1", after: next))
        #expect(sweep.claimedFromDead([]) { _ in false }.isEmpty)
        #expect(sweep.isAtStart)
    }

    @Test func othersAreClaimedWhenIdleFromAKeptCursor() {
        var sweep = ClaimSweep()
        #expect(sweep.next(me: "me", consumers: [alive, stranger]) == .autoclaim(cursor: .min, minIdle: .seconds(30)))
        #expect(sweep.autoclaimed(ids(1, 2), next: id(9)) { $0 == id(1) } == ids(2))
        #expect(sweep.next(me: "me", consumers: []) == .autoclaim(cursor: id(9), minIdle: .seconds(30)))
        sweep.reset()
        #expect(sweep.next(me: "me", consumers: []) == .autoclaim(cursor: .min, minIdle: .seconds(30)))
    }

    @Test func neitherIAmClaimedFromNorWhoHoldsNothing() {
        var sweep = ClaimSweep()
        let empty = ClaimSweep.Consumer(name: "w.0.3", pending: 0, silence: .seconds(60))
        #expect(sweep.next(me: "w.0.1", consumers: [dead, empty]) == .autoclaim(cursor: .min, minIdle: .seconds(30)))
    }
}

@Suite struct RendezvousTests {
    private let streams = (0..<600).map { StreamKey("trades-EXCHANGE-SYMBOL\($0)-USD") }
    private let lanes = ["a.0.0", "a.0.1", "b.0.0", "b.0.1"]

    @Test func everyStreamHasOneOwnerAndSharesAreEven() {
        let owners = streams.map { Rendezvous.owner(of: $0, among: lanes) }
        let shares = lanes.map { lane in owners.count { $0 == lane } }
        #expect(shares.reduce(0, +) == streams.count)
        #expect(shares.allSatisfy { (90...220).contains($0) }, "\(shares)")
    }

    @Test func aLaneThatLeavesMovesOnlyItsOwnStreams() {
        let left = Array(lanes.dropLast())
        for stream in streams {
            let before = Rendezvous.owner(of: stream, among: lanes)
            if before != "b.0.1" { #expect(Rendezvous.owner(of: stream, among: left) == before) }
        }
    }

    @Test func theOrderOfLanesDoesNotMatter() {
        for stream in streams.prefix(50) {
            #expect(
                Rendezvous.owner(of: stream, among: lanes) == Rendezvous.owner(of: stream, among: lanes.reversed()))
        }
        #expect(Rendezvous.owner(of: StreamKey("x"), among: [String]()) == nil)
    }
}

@Suite struct DrainDecisionTests {
    private func stream(_ delivered: UInt64, pending: Int = 0, isBlocked: Bool = false) -> DrainDecision.Stream {
        .init(
            key: StreamKey("s"), lastEntry: id(9), lastDelivered: id(delivered), pending: pending,
            isBlocked: isBlocked)
    }

    private func reading(
        _ milliseconds: Int, _ streams: [DrainDecision.Stream], isSettled: Bool = true, scans: Int = 1
    ) -> DrainDecision.Reading {
        .init(at: .milliseconds(milliseconds), streams: streams, isSettled: isSettled, scans: scans)
    }

    @Test func twoQuietReadingsApartEndTheDrain() {
        var drain = DrainDecision(scans: 0)
        #expect(drain.read(reading(0, [stream(9)])) == .wait)
        #expect(drain.read(reading(100, [stream(9)])) == .wait)
        #expect(drain.read(reading(200, [stream(9)])) == .finish)
    }

    @Test func workInBetweenBeginsAnew() {
        var drain = DrainDecision(scans: 0)
        #expect(drain.read(reading(0, [stream(9)])) == .wait)
        #expect(drain.read(reading(150, [stream(8)])) == .wait)
        #expect(drain.read(reading(200, [stream(9)])) == .wait)
        #expect(drain.read(reading(300, [stream(9, pending: 1)])) == .wait)
        #expect(drain.read(reading(400, [stream(9)], isSettled: false)) == .wait)
        #expect(drain.read(reading(500, [stream(9)])) == .wait)
        #expect(drain.read(reading(700, [stream(9)])) == .finish)
    }

    @Test func streamsMustHaveBeenLookedForOnceMore() {
        var drain = DrainDecision(scans: 4)
        #expect(drain.read(reading(0, [stream(9)], scans: 4)) == .wait)
        #expect(drain.read(reading(300, [stream(9)], scans: 4)) == .wait)
        #expect(drain.read(reading(400, [stream(9)], scans: 5)) == .wait)
        #expect(drain.read(reading(600, [stream(9)], scans: 5)) == .finish)
    }

    /// Its last entries were deleted, or went before anybody read them: they will never be delivered.
    @Test func whatIsNoLongerThereIsNotWaitedFor() {
        var drain = DrainDecision(scans: 0)
        let empty = DrainDecision.Stream(key: StreamKey("s"), lastEntry: nil, lastDelivered: id(3), pending: 0)
        #expect(drain.read(reading(0, [empty])) == .wait)
        #expect(drain.read(reading(200, [empty])) == .finish)
        let pending = DrainDecision.Stream(key: StreamKey("s"), lastEntry: nil, lastDelivered: id(3), pending: 1)
        #expect(drain.read(reading(300, [pending])) == .wait)
    }

    @Test func aBlockedStreamOrTheTimeEndsItWithAName() {
        var drain = DrainDecision(scans: 0, deadline: .seconds(1))
        #expect(drain.read(reading(0, [stream(3, isBlocked: true)])) == .giveUp(.blocked(StreamKey("s"))))
        #expect(drain.read(reading(500, [stream(3)])) == .wait)
        #expect(drain.read(reading(1_000, [stream(3)])) == .giveUp(.timeout([StreamKey("s")])))
    }
}

@Suite struct TimeTableTests {
    /// They lean on each other; a change of one must not break the rest.
    @Test func theTimesFitTogether() {
        #expect(TimeTable.claimAfter > TimeTable.statementTimeout * 3)
        #expect(TimeTable.lockTimeout < TimeTable.statementTimeout)
        #expect(TimeTable.idleInTransaction > TimeTable.statementTimeout)
        #expect(TimeTable.reaperAge > TimeTable.idleInTransaction)
        #expect(TimeTable.silentAfter >= TimeTable.heartbeatInterval * 3)
        #expect(TimeTable.mergeLockTimeout < TimeTable.lockTimeout)
    }
}
