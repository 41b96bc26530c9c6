import IngestCore
import Records

/// `millrace reconcile`: everything the streams still hold goes through the fence once more, pending or not; what the
/// ledger does not cover is stored.
struct ReconcileJob {
    private(set) var cursors: [StreamID?]

    init() {
        cursors = Array(repeating: StreamID.min, count: SimulatedWorld.streamCount)
    }

    /// Something was left out, or the ground moved.
    mutating func restart() {
        self = ReconcileJob()
    }

    mutating func advance(_ stream: Int, behind last: StreamID?) {
        cursors[stream] = last?.successor
    }
}

extension SimulatedLane {
    /// - Returns: `false` when there is nothing to do.
    func readForJob() -> Bool {
        guard let job else { return false }
        guard let stream = job.cursors.firstIndex(where: { $0 != nil }), let from = job.cursors[stream] else {
            if ledger.isEmpty { finishJob() } else { reader = .token([]) }
            return true
        }
        let entries = world.redis.range(stream, IDRange(from, .max), count: 5)
        self.job?.advance(stream, behind: entries.last?.id)
        guard !entries.isEmpty else { return true }
        let ids = entries.map(\.id)
        reader = .groupCheck(
            Reply(stream: stream, kind: .claimed, ids: ids, existing: ids, payloads: entries.map { $0.payload }))
        return true
    }

    private func finishJob() {
        guard era == world.postgres.era else { return reader = .idle }
        world.note("lane \(number) has reconciled")
        world.tally.count(.reconciled)
        world.postgres.committed.destination = world.postgres.identity
        world.postgres.committed.reconciliations += 1
        world.redis.acknowledged = [:]
        world.isReconciliationWanted = false
        job = nil
        reader = .idle
    }
}
