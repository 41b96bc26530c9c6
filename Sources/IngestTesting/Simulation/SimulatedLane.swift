import IngestCore
import Records

/// One lane of a worker: it reads and claims, and, in steps of its own, commits and acknowledges. All it decides is
/// decided by IngestCore.
final class SimulatedLane {
    /// Entries as they came, before the token that came with them was compared.
    struct Reply {
        let stream: Int
        let kind: Delivery.Kind
        let ids: [StreamID]
        let existing: [StreamID]
        let payloads: [Int?]
    }

    /// The fields of one entry in flight; no payload when it was deleted.
    struct Body {
        let source: SourceNumber
        let id: StreamID
        let payload: Int?
    }

    enum Reader {
        case offline
        case resolving(SimulatedResolver)
        case idle
        case read
        case bodies(stream: Int, ids: [StreamID])
        case groupCheck(Reply)
        case token([Reply])
    }

    enum Writer {
        case idle
        case probe(BatchNumber, [FenceProbe], afterConflict: Bool)
        case fence(CommitAttempt, FencePlan, transaction: Int, next: Int, tries: Int)
        case commit(CommitAttempt, FencePlan, transaction: Int)
        /// Only the mutant writes letters by themselves.
        case letters([ModelPostgres.Stored], [Acknowledgement])
    }

    let number: Int
    unowned let world: SimulatedWorld
    var pausedUntil = 0
    /// Set while the process is down.
    var restartAt: Int?
    var lastBeat = 0

    var server = 0
    var token: Int?
    /// The version of the token's key that EXEC insists on.
    var watched = 0
    var sources: [SimulatedSource?] = []
    var reader = Reader.offline
    var drainFrom: [StreamID?] = []
    var sweeps: [ClaimSweep] = []
    var suspectUntil = 0

    var era = 0
    var writer = Writer.idle
    var ledger = DeliveryLedger()
    var queue = AcknowledgementQueue()
    var bodies: [BatchNumber: [Body]] = [:]
    /// The marker behind every source number this process used.
    var markers: [SourceNumber: String] = [:]
    var acknowledged: [SourceNumber: StreamID] = [:]
    var reconciliationsSeen = 0
    var job: ReconcileJob?

    init(number: Int, world: SimulatedWorld) {
        self.number = number
        self.world = world
    }

    var isDown: Bool { restartAt != nil }
    /// Nothing to do but to look for news.
    var isQuiet: Bool {
        guard isLooking, case .idle = writer else { return false }
        return ledger.isEmpty && queue.isEmpty && job == nil && drainFrom.allSatisfy { $0 == nil }
    }

    private var isLooking: Bool {
        switch reader {
        case .idle, .read: true
        case .token(let replies): replies.isEmpty
        case .offline, .resolving, .bodies, .groupCheck: false
        }
    }

    func step() {
        if let restartAt {
            if world.now >= restartAt { self.restartAt = nil }
            return
        }
        guard world.now >= pausedUntil else { return }
        lastBeat = world.now
        if world.strikes(.crash, world.plan.crashRate) { return crash() }
        if world.strikes(.pause, world.plan.pauseRate) { return pause() }
        let hasNothingToWrite: Bool = if case .idle = writer { ledger.isEmpty } else { false }
        if hasNothingToWrite || world.random.chance(450) { stepReader() } else { stepWriter() }
    }

    /// SIGSTOP, or a machine that swaps: everybody else goes on.
    func pause() {
        world.tally.count(.pause)
        world.note("lane \(number) freezes")
        pausedUntil = world.now + 20 + world.random.below(150)
    }

    /// kill -9: memory is gone, the server ends the session.
    func crash() {
        world.tally.count(.crash)
        world.note("lane \(number) crashes")
        endTransaction()
        for stream in world.postgres.locks.indices where world.postgres.locks[stream] == number {
            world.postgres.locks[stream] = nil
        }
        restartAt = world.now + 1 + world.random.below(60)
        (server, era, token, reader, writer) = (0, 0, nil, .offline, .idle)
        (ledger, queue, bodies, markers, acknowledged) = (.init(), .init(), [:], [:], [:])
        (sources, job) = ([], nil)
    }

    func endTransaction() {
        switch writer {
        case .fence(_, _, let transaction, _, _), .commit(_, _, let transaction):
            world.postgres.rollBack(transaction)
        case .idle, .probe, .letters: break
        }
    }

    /// The connection to Redis is closed; entries that may have been delivered are in the own pending list.
    func disconnectRedis() {
        world.note("lane \(number) loses redis")
        queue.fail()
        releaseLocks()
        (server, token, reader) = (0, nil, .offline)
    }

    func releaseLocks() {
        guard case .resolving = reader else { return }
        for stream in world.postgres.locks.indices where world.postgres.locks[stream] == number {
            world.postgres.locks[stream] = nil
        }
    }

    func resolveAgain() {
        releaseLocks()
        drainFrom = Array(repeating: StreamID.min, count: SimulatedWorld.streamCount)
        sweeps = Array(repeating: ClaimSweep(), count: SimulatedWorld.streamCount)
        job?.restart()
        reader = .resolving(SimulatedResolver(owner: number, era: era))
    }
}
