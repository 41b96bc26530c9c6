import IngestCore
import Records

/// A deterministic simulation of workers between a model of Redis and a model of PostgreSQL.
///
/// One seed is one schedule: which lane takes its next step, what producers add, what breaks and when. All that the
/// lanes decide is decided by `IngestCore`, by the code the pipeline runs. The same seed always plays the same game,
/// so a seed that fails is a test.
public enum Simulation {
    /// Plays one seed.
    /// - Parameters:
    ///   - mutant: a mistake to put back on purpose.
    ///   - isTraced: keeps a line for all that happens.
    public static func run(
        seed: UInt64, mutant: SimulationMutant? = nil, isTraced: Bool = false
    ) -> SimulationReport {
        let world = SimulatedWorld(seed: seed, mutant: mutant, isTraced: isTraced)
        world.play()
        let isDrained = world.drain()
        return SimulationReport(
            seed: seed, violations: SimulationOracle.judge(world, isDrained: isDrained), tally: world.tally,
            steps: world.now, trace: world.trace ?? [])
    }

    /// Plays a seed again and says everything that happens, one line each.
    public static func replay(seed: UInt64, mutant: SimulationMutant? = nil) -> String {
        let report = run(seed: seed, mutant: mutant, isTraced: true)
        return (["seed \(seed)"] + report.trace + report.violations.map { "VIOLATION \($0)" }).joined(separator: "\n")
    }
}

extension SimulatedWorld {
    static let chaosSteps = 320
    static let drainSteps = 2_500

    /// Faults, producers and workers, as chance will have it.
    func play() {
        if random.chance(120) { faults.makeLegacyGroup() }
        let lastProduction = Self.chaosSteps * 4 / 5
        while now < Self.chaosSteps {
            now += 1
            postgres.tick(now: now, reaperAge: Time.reaperAge)
            switch random.below(20) {
            case 0, 1: if now < lastProduction { faults.produce(random.below(Self.streamCount)) }
            case 2: faults.step()
            case 3, 4: merger.step()
            default: lanes[random.below(lanes.count)].step()
            }
            assignReconciliation()
        }
    }

    /// Faults are over: everybody works until nothing is left to do.
    /// - Returns: `false` when that never came.
    func drain() -> Bool {
        isChaotic = false
        note("faults are over")
        for lane in lanes {
            lane.pausedUntil = now
            lane.restartAt = nil
        }
        let end = now + Self.drainSteps
        while now < end {
            now += 1
            postgres.tick(now: now, reaperAge: Time.reaperAge)
            let actor = now % (lanes.count + 1)
            if actor < lanes.count { lanes[actor].step() } else { merger.step() }
            assignReconciliation()
            if now % 8 == 0, isQuiet { return true }
        }
        return false
    }

    private func assignReconciliation() {
        guard isReconciliationWanted, !lanes.contains(where: { $0.job != nil }), random.chance(50) else { return }
        let lane = lanes[random.below(lanes.count)]
        if !lane.isDown { lane.job = ReconcileJob() }
    }

    private var isQuiet: Bool {
        guard !isReconciliationWanted, postgres.transactions.isEmpty else { return false }
        guard lanes.allSatisfy({ $0.isQuiet && !$0.queue.isHeld }) else { return false }
        return redis.streams.allSatisfy { stream in
            guard let stream else { return true }
            guard let group = stream.group else { return stream.entries.isEmpty }
            return group.pending.isEmpty && group.lastDelivered >= stream.entries.last?.id ?? .min
        }
    }
}
