import IngestCore
import Records

extension SimulatedLane {
    func stepReader() {
        if case .offline = reader { return connect() }
        guard server == world.redis.server, !world.strikes(.breakRedis, 10) else { return disconnectRedis() }
        switch reader {
        case .offline: break
        case .resolving(var resolver): resolve(&resolver)
        case .idle: beginPipeline()
        case .read: read()
        case .bodies(let stream, let ids): readBodies(stream, ids)
        case .groupCheck(let reply): checkGroup(reply)
        case .token(let replies): compareToken(replies)
        }
    }

    private func connect() {
        guard era == world.postgres.era else { return connectPostgres() }
        server = world.redis.server
        suspectUntil = world.now + 200
        resolveAgain()
    }

    private func resolve(_ resolver: inout SimulatedResolver) {
        switch resolver.step(world) {
        case .working: reader = .resolving(resolver)
        case .lost:
            (reader, server) = (.offline, 0)
        case .done(let found):
            sources = found
            (token, watched) = (resolver.token, resolver.watched)
            for source in found.compactMap(\.self) { markers[source.number] = source.marker }
            queue.keep(sources: Set(found.compactMap { $0?.number }))
            reader = .idle
        }
    }

    /// The head of the pipeline: acknowledgements of earlier batches, as one transaction that insists on the token.
    private func beginPipeline() {
        releaseHold()
        let due = queue.send()
        guard !due.isEmpty else { return reader = .read }
        guard watched == world.redis.tokenVersion || world.mutant == .unguardedAcknowledgement else {
            world.tally.count(.guardRefused)
            queue.fail()
            return resolveAgain()
        }
        for acknowledgement in due { acknowledge(acknowledgement) }
        guard !world.strikes(.breakRedis, 20) else { return disconnectRedis() }
        queue.confirm()
        reader = .read
    }

    private func acknowledge(_ one: Acknowledgement) {
        guard let stream = sources.firstIndex(where: { $0?.number == one.source }) else { return }
        world.note("lane \(number) acks \(stream) \(one.ids)")
        world.checkLaw(stream, one.ids)
        world.redis.acknowledge(stream, one.ids)
        guard let highest = one.highest else { return }
        world.redis.acknowledged[one.source] = max(highest, world.redis.acknowledged[one.source] ?? .min)
        acknowledged[one.source] = max(highest, acknowledged[one.source] ?? .min)
    }

    private func releaseHold() {
        guard queue.isHeld, world.postgres.committed.reconciliations > reconciliationsSeen else { return }
        queue.isHeld = false
        acknowledged = [:]
        resolveAgain()
    }

    private func read() {
        let inFlight = ledger.batchesInFlight.count
        if inFlight >= 2 { return reader = .token([]) }
        if job != nil, readForJob() { return }
        if let stream = drainFrom.firstIndex(where: { $0 != nil }) { return drain(stream) }
        if world.random.chance(300) { return claim(world.random.below(SimulatedWorld.streamCount)) }
        readFresh()
    }

    private func readFresh() {
        var replies: [Reply] = []
        for stream in 0..<SimulatedWorld.streamCount {
            let count = 1 + world.random.below(4)
            guard let entries = world.redis.readGroup(stream, consumer: number, count: count, now: world.now) else {
                return resolveAgain()
            }
            guard !entries.isEmpty else { continue }
            replies.append(
                Reply(
                    stream: stream, kind: .fresh, ids: entries.map(\.id), existing: [],
                    payloads: entries.map { $0.payload }))
        }
        world.note("lane \(number) reads \(replies.map { "\($0.stream): \($0.ids)" })")
        reader = .token(replies)
    }

    /// XPENDING of the own consumer, from where the last piece ended.
    private func drain(_ stream: Int) {
        guard let from = drainFrom[stream],
            let listed = world.redis.pending(stream, of: number, from: from, count: 4)
        else { return resolveAgain() }
        drainFrom[stream] = listed.last?.successor
        let ids = listed.filter { !isInFlight($0, stream) }
        guard !ids.isEmpty else { return reader = .idle }
        world.tally.count(.ownDrain)
        reader = .bodies(stream: stream, ids: ids)
    }

    private func claim(_ stream: Int) {
        let action = sweeps[stream].next(
            me: SimulatedWorld.names[number], consumers: world.consumers(of: stream),
            silentAfter: .seconds(SimulatedWorld.Time.silentAfter),
            claimAfter: .seconds(SimulatedWorld.Time.claimAfter))
        guard let claimed = carryOut(action, stream) else { return resolveAgain() }
        guard !claimed.isEmpty else { return reader = .idle }
        world.tally.count(.claim)
        world.note("lane \(number) claims \(stream) \(claimed)")
        reader = .bodies(stream: stream, ids: claimed)
    }

    private func carryOut(_ action: ClaimSweep.Action, _ stream: Int) -> [StreamID]? {
        switch action {
        case .autoclaim(let cursor, let minIdle):
            guard
                let reply = world.redis.autoclaim(
                    stream, by: number, minIdle: Int(minIdle.components.seconds), cursor: cursor, count: 4,
                    now: world.now)
            else { return nil }
            return sweeps[stream].autoclaimed(reply.ids, next: reply.next) { isInFlight($0, stream) }
        case .claimFromDead(let name, let after):
            guard let dead = SimulatedWorld.names.firstIndex(of: name),
                let listed = world.redis.pending(stream, of: dead, from: after, count: 4)
            else { return nil }
            let claimed = world.redis.claim(stream, listed, by: number, now: world.now)
            let kept = sweeps[stream].claimedFromDead(listed) { isInFlight($0, stream) }
            return kept.filter(claimed.contains)
        }
    }

    private func isInFlight(_ id: StreamID, _ stream: Int) -> Bool {
        guard let source = sources[stream] else { return false }
        return ledger.isInFlight(id, of: source.number)
    }

    /// XRANGE from the first to the last claimed id.
    private func readBodies(_ stream: Int, _ ids: [StreamID]) {
        guard let first = ids.first, let last = ids.last else { return reader = .idle }
        let entries = world.redis.range(stream, IDRange(first, last))
        let payloads = ids.map { id in entries.first { $0.id == id }?.payload }
        let reply = Reply(stream: stream, kind: .claimed, ids: ids, existing: entries.map(\.id), payloads: payloads)
        reader = .groupCheck(reply)
    }

    /// XRANGE answers without the group too. Where the group is gone, the stream may be another one already.
    private func checkGroup(_ reply: Reply) {
        if world.mutant != .claimSkipsGroupCheck, world.redis.streams[reply.stream]?.group == nil {
            return resolveAgain()
        }
        reader = .token([reply])
    }

    /// `WATCH epoch; GET epoch`, the end of the pipeline. What came with another token belongs to nobody knows which
    /// incarnation: it is dropped, and what is still there is found in the own pending list.
    private func compareToken(_ replies: [Reply]) {
        watched = world.redis.tokenVersion
        guard token == world.redis.token || world.mutant == .ignoresToken else {
            world.tally.count(.tokenChanged)
            resolveAgain()
            if world.mutant == .plansReplyOfOtherEpoch { admitUnderNewSources(replies) }
            return
        }
        admit(replies)
        reader = .idle
    }

    private func admitUnderNewSources(_ replies: [Reply]) {
        sources = (0..<SimulatedWorld.streamCount).map { stream in
            world.postgres.openSource(of: stream).map { SimulatedSource(number: $0.number, marker: $0.marker) }
        }
        admit(replies)
    }

    private func admit(_ replies: [Reply]) {
        let known = replies.filter { sources[$0.stream] != nil && !$0.ids.isEmpty }
        guard !known.isEmpty else { return }
        var held: [Body] = []
        let deliveries = known.compactMap { reply -> Delivery? in
            guard let source = sources[reply.stream] else { return nil }
            held += zip(reply.ids, reply.payloads).map { Body(source: source.number, id: $0, payload: $1) }
            return delivery(of: reply, source.number)
        }
        let batch = ledger.admit(deliveries)
        bodies[batch] = held
    }

    private func delivery(of reply: Reply, _ source: SourceNumber) -> Delivery {
        let isNaive =
            world.mutant == .rangeOverClaims
            || (world.mutant == .pendingNeighboursAreRanges && world.random.chance(500))
        guard reply.kind == .claimed, !isNaive else { return .fresh(source: source, ids: reply.ids) }
        let delivery = Delivery.claimed(source: source, ids: reply.ids, existing: reply.existing)
        if delivery.runs.contains(where: { $0.count > 1 }) { world.tally.count(.claimedRange) }
        return delivery
    }
}

extension SimulatedWorld {
    /// The law, watched at every XACK: what leaves the pending list is stored. (After a restore it need not be: what
    /// was stored is gone, and `reconcile` brings it back.)
    func checkLaw(_ stream: Int, _ ids: [StreamID]) {
        guard let group = redis.streams[stream]?.group, let entries = redis.streams[stream]?.entries else { return }
        for one in group.pending where ids.contains(one.id) {
            guard let entry = entries.first(where: { $0.id == one.id }), !produced[entry.payload].isLegacy else {
                continue
            }
            let isStored = entry.payload < postgres.wasStored.count && postgres.wasStored[entry.payload]
            if !isStored { violations.append("acknowledged and not stored: \(one.id) of stream \(stream)") }
        }
    }

    func consumers(of stream: Int) -> [ClaimSweep.Consumer] {
        let pending = redis.streams[stream]?.group?.pending ?? []
        return Self.names.indices.compactMap { number in
            let count = pending.count { $0.consumer == number }
            guard count > 0 else { return nil }
            let lane = lanes.first { $0.number == number }
            return .init(
                name: Self.names[number], pending: count, silence: lane.map { .seconds(now - $0.lastBeat) })
        }
    }
}
