import IngestCore
import Records

/// What a lane knows of the stream's source: the number alone does not do, since a restored database may give it out
/// again.
struct SimulatedSource: Equatable {
    let number: SourceNumber
    let marker: String
}

/// Finds out, and repairs, which incarnation each stream is. Every look and every act is a step of its own.
struct SimulatedResolver {
    enum Progress {
        case working
        /// The connection to PostgreSQL broke.
        case lost
        case done([SimulatedSource?])
    }

    private enum Phase {
        case token, lock, stream, decide
        case setToken(Repair), createGroup(Repair), mark(Repair)
    }

    private struct Repair {
        let marker: String?
        let group: IncarnationDecision.GroupRepair?
    }

    private(set) var token: Int?
    private(set) var watched = 0
    private let era: Int
    private let owner: Int
    private var phase = Phase.token
    private var stream = 0
    private var sources: [SimulatedSource?] = []
    private var records: [SourceRecord] = []
    private var facts: IncarnationDecision.StreamFacts?
    private var hasHealed = false
    private var isMarkedJustNow = false

    init(owner: Int, era: Int) {
        self.owner = owner
        self.era = era
    }

    mutating func step(_ world: SimulatedWorld) -> Progress {
        guard world.postgres.era == era else { return .lost }
        switch phase {
        case .token:
            (token, watched) = (world.redis.token, world.redis.tokenVersion)
            (stream, sources, hasHealed, phase) = (0, [], false, .lock)
        case .lock:
            guard world.postgres.locks[stream] == nil || world.postgres.locks[stream] == owner else { break }
            world.postgres.locks[stream] = owner
            records = readRecords(world)
            phase = .stream
        case .stream:
            facts = world.redis.streams[stream].map {
                .init(lastGenerated: $0.lastGenerated, entriesAdded: $0.entriesAdded)
            }
            for place in records.indices where records[place].serverChanged {
                records[place].hasLivingEntry = hasLivingEntry(records[place].number, world)
            }
            phase = .decide
        case .decide: decide(world)
        case .setToken(let repair):
            world.redis.set(token: world.fresh())
            phase = .createGroup(repair)
        case .createGroup(let repair):
            createGroup(repair.group, world)
            phase = .mark(repair)
        case .mark(let repair):
            if let marker = repair.marker { mark(marker, world) }
            (isMarkedJustNow, phase) = (repair.marker != nil, .lock)
        }
        return stream < SimulatedWorld.streamCount ? .working : finish(world)
    }

    /// After a healing all is looked at once more, beginning with the token: others may have healed meanwhile.
    private mutating func finish(_ world: SimulatedWorld) -> Progress {
        if !hasHealed, token != nil { return .done(sources) }
        if token == nil, !hasHealed, world.redis.token == nil { world.redis.set(token: world.fresh()) }
        (phase, stream) = (.token, 0)
        return .working
    }

    private mutating func decide(_ world: SimulatedWorld) {
        let decision = judge(world)
        world.postgres.locks[stream] = nil
        switch decision {
        case .use(let number):
            let marker = world.postgres.openSource(of: stream)?.marker ?? ""
            settle(number, world)
            sources.append(SimulatedSource(number: number, marker: marker))
            (stream, isMarkedJustNow, phase) = (stream + 1, false, .lock)
        case .restore(_, let marker, let group):
            world.tally.count(.restoredGroup)
            heal(Repair(marker: marker, group: group))
        case .reopen(let number, _):
            world.tally.count(.reopened)
            world.postgres.reopen(number, stream: stream)
            heal(Repair(marker: nil, group: nil))
        case .begin(_, let group):
            world.tally.count(.incarnation)
            let marker = open(world)
            heal(Repair(marker: marker, group: group))
        case .adopt(let floor):
            world.tally.count(.adopted)
            let marker = open(world)
            if let floor, let source = world.postgres.openSource(of: stream) {
                let row = FloorMerge.Row(ids: IDRange(.min, floor), count: nil, isFloor: true)
                world.postgres.committed.ledger.append(.init(source: source.number, row: row))
            }
            heal(Repair(marker: marker, group: nil))
        case .refuse:
            world.violations.append("resolution refused")
        }
        world.note("resolver of \(owner): stream \(stream) \(decision)")
    }

    private mutating func heal(_ repair: Repair) {
        hasHealed = true
        phase = .setToken(repair)
    }

    private func open(_ world: SimulatedWorld) -> String {
        let marker = "m\(world.fresh())"
        _ = world.postgres.open(stream: stream, marker: marker, server: world.redis.server)
        return marker
    }

    private func judge(_ world: SimulatedWorld) -> IncarnationDecision {
        let group = world.redis.streams[stream]?.group
        var facts = IncarnationDecision.Facts(
            records: records, stream: facts,
            group: group.map {
                .init(markers: $0.markers, lastDelivered: $0.lastDelivered, pendingMin: $0.pending.first?.id)
            })
        facts.wasMarkedJustNow = isMarkedJustNow
        if world.mutant == .everyMissingGroupIsNew, group == nil { facts.stream = nil }
        let decision = IncarnationDecision(facts)
        if world.mutant == .ledgerWithoutIncarnation, case .begin(_, let repair) = decision,
            let first = facts.records.first
        {
            let isMarked = facts.group?.markers.contains(first.marker) ?? false
            return isMarked ? .use(first.number) : .restore(first.number, marker: first.marker, group: repair)
        }
        return decision
    }

    private func readRecords(_ world: SimulatedWorld) -> [SourceRecord] {
        world.postgres.committed.sources.filter { $0.stream == stream }.map { source in
            let rows = world.postgres.rows(of: source.number)
            var record = SourceRecord(
                number: source.number, marker: source.marker, isOpen: source.isOpen,
                highestID: rows.last?.ids.upper, entriesAdded: source.entriesAdded)
            record.serverChanged = source.server != world.redis.server
            return record
        }
    }

    private func hasLivingEntry(_ number: SourceNumber, _ world: SimulatedWorld) -> Bool {
        let rows = world.postgres.rows(of: number).filter { $0.count != nil }
        let coverage = Coverage(rows.map { (source: number, ids: $0.ids) })
        return world.redis.streams[stream]?.entries.contains { coverage.contains($0.id, of: number) } ?? false
    }

    private func createGroup(_ repair: IncarnationDecision.GroupRepair?, _ world: SimulatedWorld) {
        guard let repair else { return }
        if world.redis.streams[stream] == nil { world.redis.streams[stream] = .init() }
        if repair == .create, world.redis.streams[stream]?.group == nil {
            world.redis.streams[stream]?.group = .init()
        } else if repair == .rewind {
            world.redis.streams[stream]?.group?.lastDelivered = .min
            world.redis.streams[stream]?.group?.entriesRead = 0
        }
    }

    /// XGROUP CREATECONSUMER; NOGROUP when somebody deleted the group meanwhile: the next look will show it.
    private func mark(_ marker: String, _ world: SimulatedWorld) {
        guard world.redis.streams[stream]?.group?.markers.contains(marker) == false else { return }
        world.redis.streams[stream]?.group?.markers.append(marker)
    }

    /// DECISIONS 6, and what was seen of the stream.
    private func settle(_ number: SourceNumber, _ world: SimulatedWorld) {
        guard let record = records.first(where: { $0.number == number }), let facts else { return }
        world.postgres.note(entriesAdded: facts.entriesAdded, of: number)
        guard let last = world.redis.streams[stream]?.lastGenerated,
            let forward = IncarnationDecision.advancedID(record, lastGenerated: last)
        else { return }
        world.tally.count(.advancedID)
        world.redis.streams[stream]?.lastGenerated = forward
    }
}
