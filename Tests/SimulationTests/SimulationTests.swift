import IngestTesting
import Testing
import Foundation

@Test func probe() {
    let env = ProcessInfo.processInfo.environment
    if let one = env["MILLRACE_SEED"].flatMap({ UInt64($0) }) {
        print(Simulation.replay(seed: one, mutant: env["MUT"].flatMap { SimulationMutant(rawValue: $0) }))
        return
    }
    let clock = ContinuousClock()
    var tally = SimulationTally()
    var failures = 0
    var steps = 0
    let n = env["N"].flatMap { UInt64($0) } ?? 300
    let took = clock.measure {
        for seed in 0..<n {
            let report = Simulation.run(seed: seed, mutant: env["MUT"].flatMap { SimulationMutant(rawValue: $0) })
            tally.add(report.tally)
            steps += report.steps
            if !report.violations.isEmpty {
                failures += 1
                if env["MUT"] != nil, failures >= 5 { break }
                if failures < 12 { print("seed \(seed): \(report.violations.prefix(3))") }
            }
        }
    }
    print("took \(took), steps \(steps), failures \(failures)")
    for event in SimulationTally.Event.allCases { print(event, tally[event], terminator: "  ") }
    print()
}
