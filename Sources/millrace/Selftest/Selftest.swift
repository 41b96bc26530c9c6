import Foundation
import Glibc
import RedisWire

/// Workers that are killed, frozen and cut off while numbered entries flow through them, and the comparison at the end.
struct Selftest {
    struct Plan {
        var entries: Int
        var rate: Int
        var workers: Int
        var kills: Int
        var pauses: Int
        var cuts: Int

        /// How long draining, judging or removing may take.
        var patience: Duration { .seconds(120 + entries / 10_000) }
    }

    private enum Fault { case kill, pause, cut }

    /// Longer than others wait before they take a silent worker's entries.
    private static let freeze = Duration.seconds(6)

    let ground: SelftestGround
    let narration: Narration
    let plan: Plan
    private let processes: WorkerProcesses

    init(ground: SelftestGround, folder: URL, narration: Narration, plan: Plan) throws {
        self.ground = ground
        self.narration = narration
        self.plan = plan
        processes = try WorkerProcesses(
            name: ground.workerName, configuration: ground.configuration, environment: ground.environment,
            folder: folder)
    }

    /// No worker outlives it, however it ends.
    func run() async throws -> SelftestReport {
        do {
            return try await carry()
        } catch {
            try? await processes.killAll()
            throw error
        }
    }

    private func carry() async throws -> SelftestReport {
        let span = Duration.seconds(1) * Double(plan.entries) / Double(plan.rate)
        narration.say(
            "\(Figures.count(plan.entries)) entries, \(Figures.count(plan.rate)) a second, through \(plan.workers) "
                + "workers; schema \(ground.schema), group \(ground.group)")
        var running: [WorkerProcess] = []
        for _ in 0..<plan.workers { running.append(try await processes.start()) }
        async let publishing: Void = publish()
        let faults = faults
        var cuts = 0
        for fault in faults {
            try await pause(span / (faults.count + 1))
            let victim = Int.random(in: running.indices)
            switch fault {
            case .kill:
                running[victim].send(SIGKILL)
                narration.say("kill -9 of \(running[victim].name)")
                running[victim] = try await processes.start()
            case .pause:
                narration.say("\(running[victim].name) is frozen for \(Int(Self.freeze.seconds)) s")
                running[victim].send(SIGSTOP)
                try await pause(Self.freeze)
                running[victim].send(SIGCONT)
            case .cut:
                let count = try await cut()
                cuts += count > 0 ? 1 : 0
                narration.say("cut \(count) connections")
            }
        }
        try await publishing
        narration.say("everything is published: the workers stop, and the rest is drained")
        try await processes.stopAll(limit: .seconds(30))
        try await drain()
        var report = try ground.judge(published: plan.entries)
        report.kills = plan.kills
        report.pauses = plan.pauses
        report.cuts = cuts
        report.seconds = narration.elapsed.seconds
        return report
    }

    private func drain() async throws {
        let drain = try await processes.start(["--drain", "--timeout", "\(Int(plan.patience.seconds))s"])
        let end = ContinuousClock.now + plan.patience + .seconds(30)
        while drain.isRunning, .now < end { try await pause(.milliseconds(50)) }
        // Ctrl-C ends it, too: what it left is no difference.
        try Self.goOn()
        guard try await drain.wait(limit: .zero) == 0 else {
            throw CommandFailure("the streams were not drained: \(drain.lastWords)")
        }
    }

    /// Waits, unless somebody interrupts.
    private func pause(_ duration: Duration) async throws {
        let end = ContinuousClock.now + duration
        while .now < end {
            try Self.goOn()
            let left: Duration = end - .now
            try await Task.sleep(for: min(left, .milliseconds(100)))
        }
    }

    /// - Throws: when somebody interrupted.
    private static func goOn() throws(CommandFailure) {
        if Interruption.isAsked { throw CommandFailure("stopped before the end") }
    }

    /// Cuts what connections there are, as soon as there are any: after a kill the next worker may still be starting.
    private func cut() async throws -> Int {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let count = try ground.cutConnections()
            if count > 0 || ContinuousClock.now > end { return count }
            try await pause(.milliseconds(20))
        }
    }

    /// In random order.
    private var faults: [Fault] {
        (Array(repeating: Fault.kill, count: plan.kills) + Array(repeating: .pause, count: plan.pauses)
            + Array(repeating: .cut, count: plan.cuts)).shuffled()
    }

    private func publish() async throws {
        let redis = try Servers(ground.loaded).redis()
        let start = ContinuousClock.now
        var done = 0
        while done < plan.entries {
            try Self.goOn()
            try Task.checkCancellation()
            let due = min(plan.entries, Int(Double(plan.rate) * (ContinuousClock.now - start).seconds))
            if due > done {
                try ground.publish(done..<due, on: redis)
                done = due
            } else {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}
