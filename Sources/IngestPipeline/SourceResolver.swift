import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import RecordCodec
import Records
import RedisStreams
import RedisWire

/// Finds, makes and mends the incarnations of streams: what `ingest.source` and the group's marker consumer agree on.
///
/// The decision is ``IncarnationDecision``; this is the shell around it. The order of the acts is the decision's: the
/// row is committed first, then a fresh epoch token, then the group, then its marker; then everything is read again.
struct SourceResolver {
    /// More rounds than any race can take; the lane then starts over.
    private static let roundLimit = 8

    let worker: WorkerContext
    let redis: RedisSession
    let postgres: PostgresSession

    struct Resolution {
        /// The epoch token that was in force before the facts were read.
        var token: [UInt8]?
        var sources: [StreamKey: SourceNumber] = [:]
        /// Streams whose group was made anew: what comes from them may be stored already.
        var replaying: [StreamKey] = []
        /// Streams that must not be ingested as things are.
        var refused: [StreamKey: IncarnationDecision.Refusal] = [:]
    }

    /// What one step did to a stream.
    private enum Step {
        case mended
        /// The group was made anew.
        case madeAnew
        case refused(IncarnationDecision.Refusal)
    }

    func resolve(_ keys: [StreamKey]) throws(LaneFailure) -> Resolution {
        var resolution = Resolution()
        var mended: Set<StreamKey> = []
        for _ in 0..<Self.roundLimit {
            // In this order: a commit between a look at a stream and a later look at the ledger would make the stream
            // seem to have gone back.
            resolution.token = try onRedis { () throws(RedisError) in try redis.epoch() }
            var records: [StreamKey: [SourceRecord]] = [:]
            for key in keys {
                records[key] = try onPostgres { () throws(PostgresError) in try self.records(of: key) }
            }
            let states = try onRedis { () throws(RedisError) in try redis.identities(of: keys) }
            var broken: [StreamKey] = []
            // What is no stream has no source; the lane that reads the key leaves it out.
            for key in keys where states[key]?.isNoStream != true && resolution.refused[key] == nil {
                let facts = try facts(key, records[key] ?? [], states[key], isMended: mended.contains(key))
                if case .use(let source) = IncarnationDecision(facts), resolution.token != nil {
                    try advance(key, facts, source)
                    resolution.sources[key] = source
                } else {
                    broken.append(key)
                }
            }
            guard !broken.isEmpty else { return resolution }
            for key in broken {
                switch try mend(key, isMended: mended.contains(key)) {
                case .mended: break
                case .madeAnew: resolution.replaying.append(key)
                case .refused(let refusal): resolution.refused[key] = refusal
                }
                mended.insert(key)
            }
            // A token that changed meanwhile makes what was resolved before it doubtful: look at everything again.
            resolution.sources = [:]
        }
        throw .redis(.closed, .passes)
    }

    /// Decides under the stream's lock and carries out one step.
    private func mend(_ key: StreamKey, isMended: Bool) throws(LaneFailure) -> Step {
        let name = sourceKey(key)
        let known = try onPostgres { () throws(PostgresError) in
            try postgres.ledger.lock(name, deadline: postgres.deadline)
        }
        do throws(LaneFailure) {
            let states = try onRedis { () throws(RedisError) in try redis.identities(of: [key]) }
            var facts = try facts(key, known.rows.map(record), states[key], isMended: isMended)
            facts.otherGroupIngests = !known.otherGroups.isEmpty
            return try carryOut(IncarnationDecision(facts), key, name)
        } catch {
            try? postgres.connection.reset(deadline: postgres.deadline)
            throw error
        }
    }

    private func carryOut(
        _ decision: IncarnationDecision, _ key: StreamKey, _ name: SourceKey
    ) throws(LaneFailure) -> Step {
        switch decision {
        case .use:
            try apply([], name)
            try onRedis { () throws(RedisError) in try redis.setEpoch(onlyIfMissing: true) }
            return .mended
        case .restore(_, let digits, let group):
            try apply([], name)
            guard let marker = HexUUID(digits) else { return .mended }
            try rebuild(key, marker: marker, group: group)
            announce(key, "group_restored")
            return .madeAnew
        case .reopen(let number, let closing):
            try apply((closing.map { [.close($0)] } ?? []) + [.reopen(number)], name)
            try onRedis { () throws(RedisError) in try redis.setEpoch(onlyIfMissing: false) }
            announce(key, "reopened")
            return .madeAnew
        case .begin(let closing, let group):
            let marker = HexUUID.random()
            try apply((closing.map { [.close($0)] } ?? []) + [.open(marker, adoptedUpTo: nil)], name)
            if closing == nil, group == .create {
                // Nobody can hold a source of a stream that never had one: other lanes need not look again.
                try onRedis { () throws(RedisError) in
                    try redis.setEpoch(onlyIfMissing: true)
                    try redis.makeGroup(key, marker: marker, at: .create)
                }
                return .mended
            }
            try rebuild(key, marker: marker, group: group)
            announce(key, "stream_replaced")
            return .madeAnew
        case .adopt(let floor):
            let marker = HexUUID.random()
            try apply([.open(marker, adoptedUpTo: floor)], name)
            try onRedis { () throws(RedisError) in
                try redis.setEpoch(onlyIfMissing: true)
                try redis.mark(key, marker)
            }
            announce(key, "adopted")
            return .madeAnew
        case .refuse(let refusal):
            try onPostgres { () throws(PostgresError) in try postgres.connection.reset(deadline: postgres.deadline) }
            return .refused(refusal)
        }
    }

    private func rebuild(
        _ key: StreamKey, marker: HexUUID, group: IncarnationDecision.GroupRepair
    ) throws(LaneFailure) {
        try onRedis { () throws(RedisError) in
            // First the token: nobody may read from a group whose token he has not seen.
            try redis.setEpoch(onlyIfMissing: false)
            try redis.makeGroup(key, marker: marker, at: group)
        }
    }

    /// After a failover the server may be about to give out ids again that are stored: move it past them.
    private func advance(
        _ key: StreamKey, _ facts: IncarnationDecision.Facts, _ source: SourceNumber
    ) throws(LaneFailure) {
        guard let record = facts.records.first(where: { $0.number == source }), let stream = facts.stream,
            let id = IncarnationDecision.advancedID(record, lastGenerated: stream.lastGenerated)
        else { return }
        worker.metrics.regressed(key)
        worker.log.error(
            "the stream went back behind what is stored; moving its last id forward",
            metadata: ["stream": "\(key)", "to": "\(id)"])
        try onRedis { () throws(RedisError) in try redis.advance(key, to: id) }
    }

    private func apply(_ changes: [SourceChange], _ name: SourceKey) throws(LaneFailure) {
        _ = try onPostgres { () throws(PostgresError) in
            try postgres.ledger.apply(
                changes, to: name, replicationID: redis.replicationID, deadline: postgres.deadline)
        }
    }

    private func announce(_ key: StreamKey, _ reason: String) {
        worker.metrics.incarnation(reason)
        worker.log.warning(
            "the group of a stream was mended", metadata: ["stream": "\(key)", "reason": "\(reason)"])
    }

    // MARK: Facts

    private func sourceKey(_ key: StreamKey) -> SourceKey {
        SourceKey(
            redisID: worker.settings.redisDeployment, redisDatabase: worker.settings.redis.database, stream: key,
            group: worker.settings.group)
    }

    private func records(of key: StreamKey) throws(PostgresError) -> [SourceRecord] {
        try postgres.ledger.rows(of: sourceKey(key), deadline: postgres.deadline).map(record)
    }

    private func record(_ row: SourceRow) -> SourceRecord {
        var record = SourceRecord(
            number: row.number, marker: row.incarnation.digits, isOpen: row.isOpen, highestID: row.highestID,
            entriesAdded: row.entriesAdded.map { Int($0) })
        if let then = row.replicationID, let now = redis.replicationID { record.serverChanged = then != now }
        return record
    }

    private func facts(
        _ key: StreamKey, _ records: [SourceRecord], _ state: RedisSession.StreamState?, isMended: Bool
    ) throws(LaneFailure) -> IncarnationDecision.Facts {
        var facts = IncarnationDecision.Facts(records: records, stream: state?.stream, group: state?.group)
        facts.wasMarkedJustNow = isMended
        // Where counters prove nothing, an entry that is stored and still there does.
        if facts.records.contains(where: \.serverChanged) || facts.stream?.entriesAdded == nil, facts.stream != nil {
            let living = try livingSources(key, facts.records)
            for index in facts.records.indices {
                facts.records[index].hasLivingEntry = living.contains(facts.records[index].number)
            }
        }
        return facts
    }

    /// The records whose ledger covers one of the first entries that the stream still has. What was adopted (from `0-0`)
    /// does not count: nobody knows what it stands for.
    private func livingSources(
        _ key: StreamKey, _ records: [SourceRecord]
    ) throws(LaneFailure) -> Set<SourceNumber> {
        let ids = try onRedis { () throws(RedisError) in try redis.firstIDs(of: key, count: 16) }
        let windows = records.flatMap { record in ids.map { (source: record.number, ids: IDRange($0)) } }
        let rows = try onPostgres { () throws(PostgresError) in
            try postgres.ledger.coverage(of: windows, deadline: postgres.deadline)
        }
        return Set(rows.filter { $0.ids.lower > .min }.map(\.source))
    }

    private func onRedis<Result>(_ body: () throws(RedisError) -> Result) throws(LaneFailure) -> Result {
        do throws(RedisError) { return try body() } catch { throw LaneFailure(error) }
    }

    private func onPostgres<Result>(_ body: () throws(PostgresError) -> Result) throws(LaneFailure) -> Result {
        do throws(PostgresError) { return try body() } catch { throw LaneFailure(error) }
    }
}

extension HexUUID {
    static func random() -> HexUUID {
        HexUUID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
}
