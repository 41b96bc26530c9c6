import IngestCore
import Records

extension SimulatedLane {
    func stepWriter() {
        guard era == world.postgres.era else {
            if case .idle = writer { return connectPostgres() }
            return losePostgres()
        }
        switch writer {
        case .idle: beginBatch()
        case .probe(let batch, let probes, let afterConflict): probe(batch, probes, afterConflict)
        case .fence(let attempt, let plan, let transaction, let next, let tries):
            fence(attempt, plan, transaction, next, tries)
        case .commit(let attempt, let plan, let transaction): commit(attempt, plan, transaction)
        case .letters(let letters, let due): writeLetters(letters, due)
        }
    }

    private func losePostgres() {
        endTransaction()
        (writer, era) = (.idle, 0)
    }

    /// A new connection: is it still the same database, and are the batches' sources still what they were?
    func connectPostgres() {
        losePostgres()
        era = world.postgres.era
        checkDestination()
        for batch in ledger.batchesInFlight where !ledger.deliveries(of: batch).allSatisfy(isKnown) {
            leave(batch)
        }
        releaseLocks()
        (reader, server) = (.offline, 0)
    }

    private func isKnown(_ delivery: Delivery) -> Bool {
        if world.mutant == .trustsSourceNumbers { return true }
        return world.postgres.committed.sources.contains {
            $0.number == delivery.source && $0.marker == markers[delivery.source]
        }
    }

    private func checkDestination() {
        let told = world.redis.acknowledged.merging(acknowledged) { max($0, $1) }
        let probes = Coverage(world.postgres.committed.ledger.map { (source: $0.source, ids: $0.row.ids) })
        let check = DestinationCheck(
            stored: world.postgres.committed.destination, found: world.postgres.identity, acknowledged: told,
            coverage: probes)
        reconciliationsSeen = world.postgres.committed.reconciliations
        switch check {
        case .ok: break
        case .unknown: world.postgres.committed.destination = world.postgres.identity
        case .wentBack:
            world.note("lane \(number): \(check)")
            world.tally.count(.wentBack)
            world.isReconciliationWanted = true
            queue.isHeld = world.mutant != .mergesAfterRestore
        }
    }

    // MARK: One batch

    private func beginBatch() {
        guard let batch = ledger.batchesInFlight.first else { return }
        if world.strikes(.refusedCommit, 30), let head = bodies[batch]?.count, head > 1,
            let rest = ledger.split(batch, after: 1 + world.random.below(head - 1))
        {
            world.tally.count(.split)
            bodies[rest] = bodies[batch]
            return
        }
        let probes = ledger.probes(for: batch, isSuspect: world.now < suspectUntil)
        guard probes.isEmpty else { return writer = .probe(batch, probes, afterConflict: false) }
        guard let (attempt, plan) = ledger.plan(batch, coverage: nil) else { return }
        write(attempt, plan)
    }

    private func probe(_ batch: BatchNumber, _ probes: [FenceProbe], _ afterConflict: Bool) {
        let coverage = world.postgres.coverage(probes)
        writer = .idle
        guard afterConflict else {
            guard let (attempt, plan) = ledger.plan(batch, coverage: coverage) else { return }
            return write(attempt, plan)
        }
        guard let (attempt, step) = ledger.conflicted(batch, coverage: coverage) else { return }
        switch step {
        case .commit(let plan), .acknowledgeCovered(let plan): write(attempt, plan)
        case .commitUnexplained(let plan):
            world.violations.append("a conflict without a reason: \(plan.ranges)")
            write(attempt, plan)
        case .leavePending: leave(batch)
        }
    }

    private func write(_ attempt: CommitAttempt, _ plan: FencePlan) {
        countCovered(plan)
        guard !plan.isCovered else {
            bodies[attempt.batch] = nil
            queue.append(ledger.settleCovered(attempt.batch))
            return writer = .idle
        }
        let transaction = world.postgres.begin(now: world.now)
        let (rows, letters) = survivors(of: attempt.batch, plan)
        world.postgres.change(transaction) {
            $0.rows = rows
            $0.letters = world.mutant == .deadLetterOutside ? [] : letters
        }
        writer = .fence(attempt, plan, transaction: transaction, next: 0, tries: 0)
    }

    private func countCovered(_ plan: FencePlan) {
        if plan.parts.contains(where: { !$0.covered.isEmpty }) { world.tally.count(.coveredSkip) }
    }

    private func survivors(
        of batch: BatchNumber, _ plan: FencePlan
    ) -> (rows: [ModelPostgres.Stored], letters: [ModelPostgres.Stored]) {
        var rows: [ModelPostgres.Stored] = []
        var letters: [ModelPostgres.Stored] = []
        for (delivery, part) in zip(ledger.deliveries(of: batch), plan.parts) {
            for index in part.survivors.joined() {
                let id = delivery.ids[index]
                let body = bodies[batch]?.first { $0.id == id && $0.source == delivery.source }
                guard let payload = body?.payload else {
                    world.violations.append("entry \(id) was deleted before it was stored")
                    continue
                }
                let stored = ModelPostgres.Stored(source: delivery.source, id: id, payload: payload)
                if world.produced[payload].isPoison { letters.append(stored) } else { rows.append(stored) }
            }
        }
        return (rows, letters)
    }

    private func fence(
        _ attempt: CommitAttempt, _ plan: FencePlan, _ transaction: Int, _ next: Int, _ tries: Int
    ) {
        guard world.postgres.isOpen(transaction) else { return losePostgres() }
        let isReversed = world.mutant == .unsortedRanges && number % 2 == 1
        let range = plan.ranges[isReversed ? plan.ranges.count - 1 - next : next]
        let row = FloorMerge.Row(ids: range.ids, count: range.count)
        let isChecked =
            world.mutant != .onlyClaimsAreChecked
            || ledger.deliveries(of: attempt.batch).contains { $0.kind == .claimed }
        let result = world.postgres.insert(
            .init(source: range.source, row: row), in: transaction, isChecked: isChecked)
        switch result {
        case .inserted:
            writer =
                next + 1 < plan.ranges.count
                ? .fence(attempt, plan, transaction: transaction, next: next + 1, tries: 0)
                : .commit(attempt, plan, transaction: transaction)
        case .conflict: judge(failure("SL001"), attempt, transaction)
        case .deadlock:
            world.violations.append("deadlock")
            judge(failure("40P01"), attempt, transaction)
        case .waits:
            world.tally.count(.fenceWaited)
            guard tries < SimulatedWorld.Time.lockTimeoutTries else {
                world.tally.count(.lockTimeout)
                return judge(failure("55P03"), attempt, transaction)
            }
            writer = .fence(attempt, plan, transaction: transaction, next: next, tries: tries + 1)
        }
    }

    private func failure(_ sqlState: String) -> CommitObservation {
        var seen = CommitObservation(expectedRows: [])
        seen.failure = .init(sqlState: sqlState)
        return seen
    }

    private func leave(_ batch: BatchNumber) {
        bodies[batch] = nil
        queue.append(ledger.leave(batch))
        drainFrom = Array(repeating: StreamID.min, count: SimulatedWorld.streamCount)
        job?.restart()
    }

    // MARK: COMMIT

    private func commit(_ attempt: CommitAttempt, _ plan: FencePlan, _ transaction: Int) {
        guard world.postgres.isOpen(transaction) else { return losePostgres() }
        var seen = CommitObservation(expectedRows: [plan.survivorCount])
        seen.copiedRows = seen.expectedRows
        seen.mayHaveCommitted = true
        if world.strikes(.doubtfulCommit, 250) {
            doubt(&seen, transaction)
        } else if world.strikes(.refusedCommit, 60) {
            world.postgres.rollBack(transaction)
            seen.finalTag = "ROLLBACK"
        } else {
            world.postgres.commit(transaction)
            (seen.finalTag, seen.isIdle) = ("COMMIT", true)
        }
        judge(seen, attempt, transaction)
    }

    /// The reply is lost, or a warning says that only this server has it. What happened is decided now or later.
    private func doubt(_ seen: inout CommitObservation, _ transaction: Int) {
        world.tally.count(.ambiguousCommit)
        seen.isConnectionLost = true
        switch world.random.below(5) {
        case 0: world.postgres.commit(transaction)
        case 1: world.postgres.rollBack(transaction)
        case 2:
            world.postgres.commit(transaction)
            (seen.isConnectionLost, seen.warnings, seen.finalTag, seen.isIdle) = (false, 1, "COMMIT", true)
        default:
            let decision = (at: world.now + 5 + world.random.below(60), commits: world.random.chance(600))
            world.postgres.change(transaction) { $0.decision = decision }
        }
    }

    private func judge(_ seen: CommitObservation, _ attempt: CommitAttempt, _ transaction: Int) {
        var outcome = CommitOutcome(seen, of: attempt)
        if isLie(outcome) { outcome = CommitOutcome(Self.flawless, of: attempt) }
        switch outcome {
        case .durable(let receipt): settle(receipt)
        case .conflict:
            world.tally.count(.conflict)
            world.postgres.rollBack(transaction)
            suspectUntil = world.now + 200
            writer = .probe(
                attempt.batch, ledger.probes(for: attempt.batch, isSuspect: true), afterConflict: true)
        case .unknown:
            (writer, era) = (.idle, 0)
        case .failed, .committedShort:
            world.postgres.rollBack(transaction)
            writer = .idle
        }
        world.note("lane \(number) batch \(attempt.batch.rawValue): \(outcome)")
    }

    private func isLie(_ outcome: CommitOutcome) -> Bool {
        switch outcome {
        case .conflict: world.mutant == .conflictAcknowledgesAll
        case .unknown: world.mutant == .lostReplyIsSuccess
        case .durable, .failed, .committedShort: false
        }
    }

    private static let flawless: CommitObservation = {
        var seen = CommitObservation(expectedRows: [])
        (seen.finalTag, seen.isIdle, seen.mayHaveCommitted) = ("COMMIT", true, true)
        return seen
    }()

    private func settle(_ receipt: CommitReceipt) {
        let batch = receipt.attempt.batch
        var letters: [ModelPostgres.Stored] = []
        if case .commit(_, let plan, _) = writer {
            letters = survivors(of: batch, plan).letters
            if !letters.isEmpty { world.tally.count(.deadLetter) }
        } else {
            endTransaction()
        }
        bodies[batch] = nil
        let due = ledger.settle(receipt)
        writer = .idle
        if world.mutant == .deadLetterOutside, !letters.isEmpty { return writer = .letters(letters, due) }
        queue.append(due)
        // The worst moment: durable, and not acknowledged.
        if world.strikes(.pause, 80) { pause() }
    }

    private func writeLetters(_ letters: [ModelPostgres.Stored], _ due: [Acknowledgement]) {
        world.postgres.committed.letters += letters
        queue.append(due)
        writer = .idle
    }
}
