import BlockingExecutor
import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import RedisWire

/// Tries letters again that are due, on a thread and a connection of its own: it never holds up a lane.
///
/// Any worker takes what is due. The lease is committed before the try: a worker that dies with a letter in hand has
/// used an attempt up, and another one takes the letter a minute later.
actor RetryLane {
    /// Most letters of one turn: few enough that stopping never waits long.
    private static let letters = 500
    private static let interval = Duration.seconds(1)
    private static let surveyInterval = Duration.seconds(10)

    private nonisolated let thread: BlockingThread
    private let worker: WorkerContext
    private let references: ReferencedFields
    private var replay: LetterReplay?
    private var backoff = Backoff(base: .milliseconds(200), cap: .seconds(15))
    private var isTold = false
    private var nextSurvey = ContinuousClock.now
    private var survey: LetterSurvey
    private var waits = RetryWaits()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(worker: WorkerContext) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "retry")
        self.worker = worker
        references = ReferencedFields(settings: worker.settings)
        survey = LetterSurvey(worker: worker)
    }

    /// Runs to the end of the worker. Call it once.
    func run() {
        while !worker.stop.isRequested {
            do {
                let isMore = try turn()
                backoff.succeeded()
                if !isMore { worker.stop.pause(Self.interval * Double.random(in: 0.8...1.2)) }
            } catch {
                tell(error)
                replay?.store.connection.close()
                replay = nil
                worker.stop.pause(backoff.failed(jitter: Double.random(in: 0...1)))
            }
        }
        replay?.store.connection.close()
    }

    /// Outages are the lanes' to tell; what wants a person is told once.
    private func tell(_ error: any Error) {
        let failure = (error as? LaneFailure) ?? (error as? PostgresError).map { LaneFailure($0) }
        tell("\(error)", needsPerson: failure.map { $0.logLevel == .error } ?? false)
    }

    private func tell(_ reason: String, needsPerson: Bool) {
        worker.log.log(
            level: needsPerson && !isTold ? .warning : .debug, "dead letters cannot be tried again now",
            metadata: ["reason": "\(reason)"])
        isTold = isTold || needsPerson
    }

    /// - Returns: whether there may be more to do at once.
    private func turn() throws -> Bool {
        let replay = try self.replay ?? connect()
        self.replay = replay
        if nextSurvey <= .now {
            nextSurvey = .now + Self.surveyInterval * Double.random(in: 0.9...1.0)
            try survey.take(replay.store)
        }
        guard worker.settings.retry.maximumAttempts > 0 else { return false }
        let due = try replay.store.lease(
            limit: Self.letters, maximumAttempts: worker.settings.retry.maximumAttempts, lease: RetrySchedule.lease,
            deadline: .now + PostgresSession.patience)
        guard !due.isEmpty else { return false }
        try attempt(due, replay)
        return true
    }

    private func attempt(_ due: [OpenLetter], _ replay: LetterReplay) throws {
        let actor = "retry by \(worker.identity)"
        let manner = LetterReplay.Manner(actor: actor, schedule: worker.settings.retry, sealedBy: "retry")
        let store = replay.store
        let filled: [OpenLetter]
        do {
            filled = try references.fill(due) { source in
                try store.incarnation(of: source, deadline: .now + PostgresSession.patience)
            }
        } catch {
            try giveBack(due.map(\.key), replay)
            throw error
        }
        let outcome = replay.run(filled, manner)
        waits.tried(due.map(\.key), except: outcome.untried)
        try giveBack(outcome.untried, replay)
        let tally = outcome.tally
        worker.log.info(
            "tried dead letters again", metadata: ["stored": "\(tally.stored)", "failed": "\(tally.failed)"])
        if let failure = outcome.failure { throw failure }
        if let held = tally.heldTables.min(by: { $0.key < $1.key }) {
            tell("\(held.key) takes no rows: \(held.value)", needsPerson: true)
        } else {
            isTold = false
        }
    }

    /// An outage is no attempt, and neither is a table that takes no rows. What cannot be given back comes up again when
    /// its lease ends.
    private func giveBack(_ untried: [LetterKey], _ replay: LetterReplay) throws {
        guard replay.store.connection.isOpen else { return }
        let bySource = Dictionary(grouping: untried, by: \.source)
        let byPause = Dictionary(grouping: bySource) { waits.pause(of: $0.key, now: worker.now) }
        for (pause, sources) in byPause {
            let keys = sources.flatMap(\.value)
            try replay.store.release(keys, after: pause, deadline: .now + PostgresSession.patience)
        }
    }

    private func connect() throws(PostgresError) -> LetterReplay {
        let connection = try PostgresConnection.connect(
            to: worker.settings.postgres, applicationName: "millrace/\(worker.identity)/retry",
            deadline: .now + .seconds(5))
        let replay = try LetterReplay(
            settings: worker.settings, mappings: worker.tables.mappings, postgres: connection, stop: worker.stop)
        replay.metrics = worker.metrics
        return replay
    }
}
