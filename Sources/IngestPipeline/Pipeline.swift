import IngestCore
import PostgresWire
import Records

/// The flow of one lane, as a list of steps. Synchronous: it owns its thread, its two connections and all its state.
///
/// While PostgreSQL commits one batch the lane reads and encodes the next (split phase). At most one transaction is
/// under way, and at most two blocks are held, so memory does not grow with the backlog.
///
/// Any lost connection ends the step with a ``LaneFailure``; ``startOver()`` then drops everything that is held. The
/// entries are still pending in Redis and what was committed is in the ledger: the next steps begin by reading the
/// own pending entries back. (docs/decisions/0002-crash-only-lanes.md)
final class Pipeline {
    let worker: WorkerContext
    /// The lane's consumer in the group.
    let consumer: String
    let number: Int

    var redis: RedisSession?
    var postgres: PostgresSession?
    var sources = SourceMap()
    var readPlan = ReadPlan()
    var claims: ClaimStage
    /// Of bodies that are read with XRANGE. What was learned outlives a lost connection, or a page that is too large
    /// would be asked for again and again.
    var bodyPage = PageSize(limit: claimPage)
    var ledger = DeliveryLedger()
    var acknowledgements = AcknowledgementQueue()
    /// Since when the oldest of them waits.
    var acknowledgingSince: ContinuousClock.Instant?
    var encoders: [Routes.RouteID: MadeEncoder] = [:]
    /// The board's revision when the encoders were last looked through.
    var encodersRevision = 0
    /// Streams that are not read for now: their table takes no rows, or somebody paused them.
    var parked: Set<StreamKey> = []
    /// Streams of which this lane left entries pending, to be read back when they are not parked any more.
    var owed: Set<StreamKey> = []
    /// The batch whose COMMIT was sent and not answered yet.
    var inFlight: SentBatch?
    /// Blocks whose batches are done, to be filled again.
    var spareBlocks: [HeldBlock] = []
    var assignment = StreamAssignment()
    /// Pending entries that are being tried, noted in the database.
    var noted: NotedEntries?
    /// The next turn is for an entry that a worker may have died of.
    var wantsSolitude = false
    /// No other lane of this process is at work.
    private(set) var isAlone = false
    /// Little came, and what comes next is to come together.
    var lingers = false
    /// Something was committed since the last failure.
    private var hasCommitted = false
    /// Redis' failures since something was committed.
    private var redisFailures = RedisFailureStreak()
    /// The database went back, and this lane is the one that refills it.
    var trustsDestination = false

    init(worker: WorkerContext, number: Int, consumer: String) {
        self.worker = worker
        self.number = number
        self.consumer = consumer
        claims = ClaimStage(settings: worker.settings)
    }

    /// A lane that is alone holds up the others no longer than this, and the try under way.
    private static let solitudeLimit = Duration.seconds(1)

    func noteProgress() {
        hasCommitted = true
        redisFailures.succeeded()
    }

    /// Whether something was committed since the last call.
    func takeProgress() -> Bool {
        defer { hasCommitted = false }
        return hasCommitted
    }

    /// One turn of the lane.
    func turn() throws(LaneFailure) {
        do throws(LaneFailure) {
            try takeTurn()
        } catch {
            guard case .redis(let reason, let failure) = error else { throw error }
            throw .redis(reason, redisFailures.failed(failure))
        }
    }

    /// Beside the turns of other lanes, or alone.
    private func takeTurn() throws(LaneFailure) {
        isAlone = wantsSolitude
        wantsSolitude = false
        try worker.solitude.run(alone: isAlone) { () throws(LaneFailure) in
            // Others may be waiting for entries, and this one for them: so once alone, one after the other is tried.
            let end = worker.now + Self.solitudeLimit
            repeat { try step() } while isAlone && !claims.isIdle && worker.now < end
        }
        if lingers { worker.stop.pause(worker.settings.linger) }
        lingers = false
    }

    /// Waits for entries at most a quarter of a second.
    private func step() throws(LaneFailure) {
        // 1. Both connections stand; the database is the one that Redis was told about.
        try connect()

        // 2. Which streams this lane reads: its own, and its neighbours' when it has nothing to do; none whose table
        // takes no rows.
        try refreshParking()
        refreshAssignment()

        // 3. Entries: what is left pending (own, or of consumers that died) before what is new.
        try forgetSurvived()
        if claims.isSweepDue(worker.now) { try sweep() }
        let delivered = try claims.isIdle ? readNew() : claimPending()

        // 4. to 8.
        try process(delivered)

        // 9. Nothing new came, or little: wait for the COMMIT under way.
        if delivered == nil || isAlone || lingers { try settle() }
        if lingers { try flushAcknowledgements() }
    }

    /// Commits what was delivered; the last transaction is still under way when it returns.
    func process(_ delivered: Delivered?) throws(LaneFailure) {
        // 4. Cut them into batches, one transaction each.
        var batches = admit(delivered)

        while !batches.isEmpty {
            let batch = batches.removeFirst()
            guard !isHeld(batch) else {
                park(batch)
                continue
            }
            // 5. What may be recorded, and what the ledger already has.
            guard let planned = try plan(batch) else { continue }
            // 6. Entries to binary rows and dead letters, while the previous COMMIT is under way.
            let encoded: EncodedBatch
            switch try encode(planned) {
            case .full(let whole):
                encoded = whole
            case .tooMuch(let count):
                batches = cut(batch, behind: count) + batches
                continue
            }
            // 7. The previous COMMIT's answer; only a receipt makes acknowledgements.
            guard try settle() == .clean else {
                // Working off a failed batch used the buffers: encode again.
                batches.insert(batch, at: 0)
                continue
            }
            // 8. BEGIN, COPY, fence, dead letters, COMMIT: sent, not awaited. A table that refused rows of late gets
            // them piece by piece.
            if expectsRefusals(encoded) { try workOff(isolating: encoded) } else { try send(encoded) }
        }
    }
}
