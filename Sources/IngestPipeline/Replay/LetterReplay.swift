import CoreMetrics
import IngestCore
import PostgresCopy
import PostgresWire
import RecordCodec
import Records
import RedisWire

/// Why letters are not tried.
enum ReplayStop: Error {
    /// A table takes no rows now. Its letters wait; others go on.
    case table(String, reason: String)
    /// A server failed: nothing more can be tried.
    case server(LaneFailure)
}

/// Tries dead letters again: the stored fields, under their original source and id, through the ordinary encoders and
/// the ordinary transaction.
///
/// The ledger has the entries already, since they became letters, so its fence cannot tell. The fence here is the
/// letter itself: the transaction that stores the rows locks the letters, fails unless all of them are open, and
/// closes them. Whatever is clicked twice, runs twice at once or is killed half way, each letter is stored once.
/// (GUARANTEES hole 18, docs/decisions/0013-replay-by-the-letters-fence.md)
///
/// Blocks its thread; used from one thread at a time.
final class LetterReplay {
    /// How letters are tried.
    struct Manner {
        /// Who tries, for the letters' logs and for lineage.
        var actor: String
        /// Everything is tried and rolled back.
        var isRehearsal = false
        /// The letters were leased: their attempt is counted, and a failure says when the next one is.
        var schedule: RetrySchedule?
        /// What ended the batch, for lineage.
        var sealedBy = "replay"
    }

    let settings: PipelineSettings
    let routes: Routes
    let store: LetterStore
    let commits: CommitSession
    let stop: StopSignal
    /// A worker's; commands have none.
    var metrics: PipelineMetrics?
    /// `nil` for those that were not compared with the database yet.
    private var mappings: [CheckedMapping?]
    private var encoders: [Routes.RouteID: RouteEncoder] = [:]

    /// - Parameter mappings: as they were checked already. Default none; they are checked when a letter needs them, so
    ///   that a table that is not as it should be holds up its own letters only.
    init(
        settings: PipelineSettings, mappings: [CheckedMapping] = [], postgres: PostgresConnection,
        stop: StopSignal = StopSignal()
    ) throws(PostgresError) {
        self.settings = settings
        self.mappings = mappings.isEmpty ? settings.mappings.map { _ in nil } : mappings
        self.stop = stop
        routes = Routes(settings.mappings)
        store = LetterStore(postgres, scope: settings.letterScope)
        commits = try CommitSession(adaptingTo: postgres, deadline: .now + PostgresSession.patience)
    }

    /// Tries a page of letters. What could not be stored is recorded in the letters and told in the tally. What was
    /// stored when a server fails stays stored.
    func run(_ letters: [OpenLetter], _ manner: Manner) -> ReplayOutcome {
        var job = ReplayJob(letters: letters, manner: manner)
        var ready: [OpenLetter] = []
        for letter in letters {
            if let refusal = unfit(letter) {
                // Another worker may know the stream of a letter that is to be tried again.
                if refusal.rejection.reason != .noMapping || !job.isCounted { job.unfit.append((letter, refusal)) }
            } else {
                ready.append(letter)
            }
        }
        do throws(ReplayStop) {
            try carryOut(ready, &job)
        } catch {
            if case .server(let failure) = error { job.failure = failure }
        }
        return job.outcome
    }

    private func carryOut(_ ready: [OpenLetter], _ job: inout ReplayJob) throws(ReplayStop) {
        do throws(ProtocolViolation) {
            job.page = try ReplayPage(ready) { routes.route(of: $0) }
        } catch {
            throw .server(LaneFailure(RedisError.protocolViolation(error)))
        }
        try recordUnfit(&job)
        for group in job.page?.groups ?? [] {
            do throws(ReplayStop) {
                var todo = [group.entries]
                while let range = todo.popLast() { todo += try attempt(range, group.route, &job) }
            } catch {
                guard case .table(let table, let reason) = error else { throw error }
                job.hold(group.entries, table, reason)
            }
        }
    }

    /// Why the letter cannot even be tried.
    private func unfit(_ letter: OpenLetter) -> Refusal? {
        guard let fields = letter.fields else {
            let words = letter.isSourceOpen ? "the stream has no such entry any more" : "its stream was replaced"
            return Refusal(Rejection(.deleted), detail: "kept by reference, and \(words)")
        }
        guard LetterFields.areWellFormed(fields) else {
            return Refusal(Rejection(.invalidBytes), detail: "the fields are not RESP bytes")
        }
        return routes.route(of: letter.stream) == nil ? Refusal(Rejection(.noMapping)) : nil
    }

    private func recordUnfit(_ job: inout ReplayJob) throws(ReplayStop) {
        guard !job.unfit.isEmpty else { return }
        var verdicts = LetterVerdicts(actor: job.manner.actor, batch: .random(), isCounted: job.isCounted)
        verdicts.failed = job.unfit.map { (job.failure($0.letter, $0.refusal), $0.letter.edits) }
        var unit = CommitUnit(statements: verdicts.statements)
        unit.isRehearsal = job.manner.isRehearsal
        let report = commits.commit(unit, deadline: .now + PostgresSession.patience)
        if report.failure?.sqlState == .lettersClosed {
            // Nothing was tried, so nothing is lost by leaving them alone.
            job.tally.elsewhere += job.unfit.count
        } else if report.isDurable || report.isRehearsed {
            job.count(verdicts.failed.map(\.attempt))
        } else {
            throw .server(Self.failure(report))
        }
        job.settle(job.unfit.map(\.letter.key))
    }

    // MARK: One transaction

    /// Tries some neighbours in one transaction.
    /// - Returns: what is left to try of them, the first last.
    private func attempt(
        _ range: Range<Int>, _ route: Routes.RouteID, _ job: inout ReplayJob
    ) throws(ReplayStop) -> [Range<Int>] {
        guard let page = job.page, !stop.isRequested else { return [] }
        let encoder = try encoder(of: route)
        encoder.begin()
        var rejected: [RejectedEntry] = []
        for run in page.runs where run.entries.overlaps(range) {
            let part = run.entries.clamped(to: range)
            let next = encoder.encode(
                part, of: page.held, stream: run.stream, now: WorkerContext.microsecondsNow,
                skipping: part.filter { job.isSettled($0) }, rejected: &rejected)
            if next < part.upperBound { return Self.cut(range, behind: max(next, range.lowerBound + 1)) }
        }
        let loads = EncodedBatch.Load.filled(encoder)
        let verdicts = job.verdicts(on: range, page, rejected)
        guard !verdicts.isEmpty else { return [] }
        let unit = unit(loads, verdicts, job.manner)
        let report = commits.commit(unit, deadline: .now + PostgresSession.patience)
        if report.isDurable || report.isRehearsed {
            job.tally.stored += verdicts.stored.count
            job.count(verdicts.failed.map(\.attempt))
            job.settle(verdicts.stored.map(\.key) + verdicts.failed.map(\.attempt.key))
            note(loads, report, encoder)
            if report.isDurable { metrics?.tally.update { $0.retried += verdicts.stored.count } }
            return []
        }
        return try repair(range, loads, report, &job)
    }

    private func note(_ loads: [EncodedBatch.Load], _ report: CommitReport, _ encoder: RouteEncoder) {
        for (load, answered) in zip(loads, report.tables) {
            let name = load.table.rows.table
            if load.isStaged { encoder.storedStaged(name, duplicates: answered.duplicates) }
            guard report.isDurable, let series = metrics?.table(name) else { continue }
            series.rows.increment(by: answered.stored)
            series.duplicates.increment(by: answered.duplicates)
        }
    }

    private func unit(_ loads: [EncodedBatch.Load], _ verdicts: LetterVerdicts, _ manner: Manner) -> CommitUnit {
        let rows = loads.map { load in
            CommitUnit.Rows(
                target: load.table.target, count: load.table.rows.rowCount, source: load.table.rows,
                isStaged: load.isStaged)
        }
        guard !manner.isRehearsal else {
            var unit = CommitUnit(rows: rows)
            unit.isRehearsal = true
            return unit
        }
        let lineage = BatchLineage(
            id: verdicts.batch, worker: manner.actor, lane: 0, sealedBy: manner.sealedBy,
            bytes: loads.reduce(0) { $0 + $1.table.rows.byteCount })
        return CommitUnit(rows: rows, statements: verdicts.statements, lineage: rows.isEmpty ? nil : lineage)
    }

    // MARK: Mappings

    /// Compares a table's mappings with the catalog, for the first time or because the table was altered since.
    func check(_ table: String) throws(ReplayStop) {
        do throws(StartupFailure) {
            for checked in try Worker.check(settings.mappings, table: table, store.connection) {
                mappings[checked.index] = checked.mapping
            }
        } catch {
            throw .table(table, reason: "\(error)")
        }
        encoders = encoders.filter { route, _ in !routes.tables(of: route).contains(table) }
    }

    func encoder(of route: Routes.RouteID) throws(ReplayStop) -> RouteEncoder {
        if let known = encoders[route] { return known }
        for index in route.mappings where mappings[index] == nil { try check(settings.mappings[index].table) }
        let limits = CodecLimits(
            maxFields: settings.maxFields, maxEntryBytes: settings.entryBytes, maxValueBytes: settings.entryBytes)
        do throws(PlanError) {
            let encoder = try RouteEncoder(
                mappings: route.mappings.compactMap { mappings[$0] }, limits: limits, keptBytes: settings.batchBytes)
            encoders[route] = encoder
            return encoder
        } catch {
            throw .server(.mapping(error))
        }
    }
}
