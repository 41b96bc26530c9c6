import CoreMetrics
import PostgresCopy
import PostgresWire
import RedisStreams
import RedisWire
import Waitpoints

/// Copies dead letters into the group's dead-letter stream. The table is the truth: a letter may come twice there.
struct LetterMirroring {
    private static let page = 500

    let worker: WorkerContext
    let redis: RedisConnection
    let postgres: PostgresConnection

    /// - Returns: how many were copied, and whether more wait.
    func copy() throws -> (count: Int, isMore: Bool) {
        let store = DeadLetterStore(postgres)
        let deadline = ContinuousClock.now + PostgresSession.patience
        let letters = try store.unmirrored(
            redisID: worker.settings.redisDeployment, redisDatabase: worker.settings.redis.database,
            group: worker.settings.group, limit: Self.page, deadline: deadline)
        guard !letters.isEmpty else {
            worker.metrics.mirrorBacklog.record(0)
            return (0, false)
        }
        Waitpoint.beforeMirror.reach()
        let mirror = DeadLetterMirror(group: worker.settings.group, maximumLength: worker.settings.mirrorMax)
        let results = try mirror.add(
            letters.map { letter in
                MirroredLetter(
                    source: letter.source, stream: letter.stream, id: letter.id, cause: letter.cause,
                    table: letter.table, sqlState: letter.sqlState, payload: letter.fields ?? [])
            }, on: redis)
        let added = zip(letters, results).filter { if case .success = $0.1 { true } else { false } }.map(\.0)
        Waitpoint.afterMirror.reach()
        try store.markMirrored(added.map { ($0.source, $0.id) }, deadline: deadline)
        // A full Redis refuses XADD: the rest waits, politely.
        let isMore = added.count == Self.page
        worker.metrics.mirrorBacklog.record(letters.count - added.count)
        return (added.count, isMore)
    }
}
