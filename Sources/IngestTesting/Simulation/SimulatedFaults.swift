import IngestCore
import Records

/// Producers, people and disasters.
final class SimulatedFaults {
    private unowned let world: SimulatedWorld
    private var clock: UInt64 = 1_000
    private var replicas: [ModelRedis] = []
    private var backups: [ModelPostgres.Database] = []
    /// Streams whose ids began again: where, and what must not be reached before the stream is known to be new.
    private var reused: [Int: (first: UInt64, ceiling: StreamID, closing: SourceNumber)] = [:]

    init(world: SimulatedWorld) {
        self.world = world
    }

    /// A group that worked before Millrace came: some entries acknowledged, some pending.
    func makeLegacyGroup() {
        for _ in 0..<6 { produceOne(0) }
        world.redis.streams[0]?.group = .init()
        let read = world.redis.readGroup(0, consumer: SimulatedWorld.legacyConsumer, count: 4, now: 0) ?? []
        let done = read.prefix(1 + world.random.below(3))
        world.redis.acknowledge(0, done.map(\.id))
        for entry in done { world.produced[entry.payload].isLegacy = true }
    }

    func produce(_ stream: Int) {
        for _ in 0...world.random.below(3) { produceOne(stream) }
    }

    private func produceOne(_ stream: Int) {
        let payload = world.produced.count
        guard let id = nextID(stream) else { return }
        world.produced.append(.init(stream: stream, id: id, isPoison: world.random.chance(120)))
        world.redis.add(payload, id: id, to: stream)
    }

    /// Ids ascend with a clock, several in one tick; or, where ids are used again, count from one.
    private func nextID(_ stream: Int) -> StreamID? {
        let last = world.redis.streams[stream]?.lastGenerated ?? .min
        guard world.plan.has(.reuseIDs) else {
            clock += world.random.chance(500) ? 1 : 0
            let id = StreamID(milliseconds: clock, sequence: 0)
            return last < id ? id : last.successor
        }
        guard let (first, ceiling, closing) = reused[stream] else {
            return StreamID(milliseconds: last.milliseconds + 1, sequence: 0)
        }
        let id = StreamID(milliseconds: max(first, last.milliseconds + 1), sequence: 0)
        let isKnown = world.postgres.openSource(of: stream).map { $0.number != closing } ?? false
        return isKnown || id < ceiling ? id : nil
    }

    func step() {
        // A disaster takes longer than a millisecond, so a clock's ids come back only where ids are used again.
        clock += 1
        switch world.random.below(9) {
        case 0: keepCopies()
        case 1 where world.strikes(.flushAll, 400): flushAll()
        case 2 where world.strikes(.deleteStream, 800): delete(world.random.below(SimulatedWorld.streamCount))
        case 3 where world.strikes(.destroyGroup, 500): destroyGroup(world.random.below(SimulatedWorld.streamCount))
        case 4 where world.strikes(.failover, 500): failOver()
        case 5 where world.strikes(.restore, 350): restore()
        case 6 where world.strikes(.trim, 800): trim(world.random.below(SimulatedWorld.streamCount))
        default: keepCopies()
        }
    }

    private func keepCopies() {
        replicas.append(world.redis)
        backups.append(world.postgres.committed)
        if replicas.count > 4 { replicas.removeFirst() }
        if backups.count > 4 { backups.removeFirst() }
    }

    private func flushAll() {
        let mayReuse = world.plan.has(.reuseIDs)
        if mayReuse {
            guard (0..<SimulatedWorld.streamCount).allSatisfy(hasEvidence) else { return }
            for stream in 0..<SimulatedWorld.streamCount { reuseIDs(of: stream) }
        }
        world.tally.count(.flush)
        world.note("FLUSHALL")
        world.redis.flushAll()
    }

    private func delete(_ stream: Int) {
        if world.plan.has(.reuseIDs) {
            guard hasEvidence(stream) else { return }
            reuseIDs(of: stream)
        }
        world.tally.count(.streamDeleted)
        world.note("DEL \(stream)")
        world.redis.streams[stream] = nil
    }

    /// Without stored rows nothing tells the old stream from the new one; that case is not promised.
    private func hasEvidence(_ stream: Int) -> Bool {
        guard let open = world.postgres.openSource(of: stream) else { return false }
        let first = world.postgres.rows(of: open.number).first?.ids.upper
        let isHealed = reused[stream].map { $0.closing != open.number } ?? true
        return isHealed && (first ?? .min) > StreamID(milliseconds: 2, sequence: 0)
    }

    private func reuseIDs(of stream: Int) {
        guard let open = world.postgres.openSource(of: stream),
            let highest = world.postgres.rows(of: open.number).last?.ids.upper
        else { return }
        world.tally.count(.idsReused)
        let first = highest.milliseconds - min(highest.milliseconds - 1, UInt64(1 + world.random.below(6)))
        reused[stream] = (first, highest, open.number)
    }

    private func destroyGroup(_ stream: Int) {
        guard world.redis.streams[stream]?.group != nil else { return }
        world.tally.count(.groupDestroyed)
        world.note("XGROUP DESTROY \(stream)")
        world.redis.streams[stream]?.group = nil
    }

    /// A replica that lags takes over: the tail, deliveries and acknowledgements since are lost.
    private func failOver() {
        guard var replica = replicas.randomElement(using: &world.random) else { return }
        world.tally.count(.failover)
        world.note("failover")
        replica.server = world.redis.server + 1
        if world.random.chance(500) {
            for stream in replica.streams.indices { replica.streams[stream]?.group?.entriesRead = nil }
        }
        world.redis = replica
        replicas = []
    }

    private func restore() {
        guard let backup = backups.randomElement(using: &world.random) else { return }
        world.tally.count(.restore)
        world.note("restore")
        world.postgres.restore(backup, timelineChanges: world.random.chance(500))
        world.isReconciliationWanted = true
        backups = []
    }

    /// XTRIM MINID or XDEL of what is delivered and acknowledged.
    private func trim(_ stream: Int) {
        guard let group = world.redis.streams[stream]?.group else { return }
        let pending = Set(group.pending.map(\.id))
        let limit = group.pending.first?.id ?? .max
        let isTrim = world.random.chance(600)
        let chosen = world.random.next()
        let gone = world.redis.remove(from: stream) { id in
            guard id <= group.lastDelivered, !pending.contains(id) else { return false }
            return isTrim ? id < limit : (id.milliseconds ^ chosen) % 3 == 0
        }
        guard !gone.isEmpty else { return }
        world.tally.count(.trimmed)
        world.note("trim \(stream): \(gone)")
        for payload in gone { world.produced[payload].isTrimmed = true }
    }
}

extension SimulationRandom: RandomNumberGenerator {}
