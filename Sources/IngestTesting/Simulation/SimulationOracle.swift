import IngestCore
import Records

/// What must be true when faults have stopped and everything is quiet.
struct SimulationOracle {
    private let world: SimulatedWorld
    private var violations: [String] = []

    init(_ world: SimulatedWorld) {
        self.world = world
    }

    static func judge(_ world: SimulatedWorld, isDrained: Bool) -> [String] {
        var oracle = SimulationOracle(world)
        oracle.violations = world.violations
        if !isDrained { oracle.violations.append("it does not come to rest") }
        oracle.checkEntries(isDrained: isDrained)
        oracle.checkLedger()
        return oracle.violations
    }

    /// Everything Redis still has, or gave up because it was acknowledged, is stored or dead-lettered exactly once.
    private mutating func checkEntries(isDrained: Bool) {
        let database = world.postgres.committed
        var rows = Array(repeating: 0, count: world.produced.count)
        var letters = rows
        for stored in database.rows {
            rows[stored.payload] += 1
            check(stored)
        }
        for stored in database.letters {
            letters[stored.payload] += 1
            check(stored)
        }
        var isRequired = world.produced.map(\.isTrimmed)
        for stream in world.redis.streams {
            for entry in stream?.entries ?? [] where isDrained { isRequired[entry.payload] = true }
        }
        for (payload, entry) in world.produced.enumerated() {
            let wanted = (isRequired[payload] && !entry.isLegacy) ? 1 : 0
            let name = "entry \(entry.id) of stream \(entry.stream) (payload \(payload))"
            if rows[payload] + letters[payload] < wanted { violations.append("lost: \(name)") }
            if rows[payload] + letters[payload] > 1 { violations.append("twice: \(name)") }
            if entry.isPoison ? rows[payload] > 0 : letters[payload] > 0 { violations.append("mixed up: \(name)") }
        }
    }

    private mutating func check(_ stored: ModelPostgres.Stored) {
        let entry = world.produced[stored.payload]
        let source = world.postgres.committed.sources.first { $0.number == stored.source }
        if entry.id != stored.id || source?.stream != entry.stream {
            violations.append("payload \(stored.payload) is stored as \(stored.id) of source \(stored.source)")
        }
    }

    /// The ledger covers what is stored, no more and no less, without overlap.
    private mutating func checkLedger() {
        let database = world.postgres.committed
        let stored = database.rows + database.letters
        for source in database.sources {
            let rows = world.postgres.rows(of: source.number)
            let ids = stored.filter { $0.source == source.number }.map(\.id)
            for (left, right) in zip(rows, rows.dropFirst()) where left.ids.overlaps(right.ids) {
                violations.append("rows of source \(source.number) overlap: \(left.ids), \(right.ids)")
            }
            if let bare = ids.first(where: { id in !rows.contains { $0.ids.contains(id) } }) {
                violations.append("source \(source.number) holds \(bare) without a row of the ledger")
            }
            let counts = rows.map(\.count)
            let sum = counts.reduce(0) { $0 + ($1 ?? 0) }
            if !counts.contains(nil), sum != ids.count {
                violations.append("source \(source.number) counts \(sum) entries and holds \(ids.count)")
            }
        }
    }
}
