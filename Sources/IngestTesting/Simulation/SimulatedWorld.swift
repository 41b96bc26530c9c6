import IngestCore
import Records

/// Everything one seed plays with. Not thread safe: one seed, one thread.
final class SimulatedWorld {
    struct Produced {
        let stream: Int
        let id: StreamID
        /// Cannot become a row: it must become a dead letter.
        let isPoison: Bool
        /// Trimmed or deleted after it was acknowledged.
        var isTrimmed = false
        /// Delivered and acknowledged before Millrace came.
        var isLegacy = false
    }

    /// One step is a second of the lanes' time.
    enum Time {
        static let silentAfter = 40
        static let claimAfter = 120
        static let reaperAge = 60
        static let lockTimeoutTries = 10
    }

    static let streamCount = 2
    static let names = (0..<8).map { "worker.0.\($0)" } + ["legacy"]
    static let legacyConsumer = 8

    var random: SimulationRandom
    let mutant: SimulationMutant?
    let plan: FaultPlan
    var now = 0
    var isChaotic = true
    var redis = ModelRedis(streams: streamCount)
    var postgres = ModelPostgres(streams: streamCount)
    var tally = SimulationTally()
    var produced: [Produced] = []
    var isReconciliationWanted = false
    /// What went wrong while it ran.
    var violations: [String] = []
    private(set) var lanes: [SimulatedLane] = []
    private(set) lazy var merger = SimulatedMerger(world: self)
    private(set) lazy var faults = SimulatedFaults(world: self)
    private(set) var trace: [String]?
    private var freshNumber = 0

    init(seed: UInt64, mutant: SimulationMutant?, isTraced: Bool) {
        random = SimulationRandom(seed: seed)
        self.mutant = mutant
        plan = FaultPlan(random: &random, needed: mutant?.faults ?? [])
        trace = isTraced ? [] : nil
        lanes = (0..<(2 + random.below(3))).map { SimulatedLane(number: $0, world: self) }
        note("faults \(plan.enabled), mutant \(mutant?.rawValue ?? "none")")
    }

    /// A line of the trace, when one is wanted.
    func note(_ text: @autoclosure () -> String) {
        guard trace != nil else { return }
        trace?.append("\(now): \(text())")
    }

    /// A number nobody had before: tokens and markers.
    func fresh() -> Int {
        freshNumber += 1
        return freshNumber
    }

    /// Whether a fault of this kind strikes now.
    func strikes(_ fault: FaultPlan.Fault, _ perThousand: Int) -> Bool {
        isChaotic && plan.has(fault) && random.chance(perThousand)
    }
}
