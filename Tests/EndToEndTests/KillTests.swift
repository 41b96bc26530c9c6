import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// Random kills of workers and servers under load: nothing lost, nothing twice.
    struct KillTests {
        struct Plan: Sendable, CustomTestStringConvertible {
            var entries: Int
            var rate: Int
            /// Kills of a worker that had pending entries when it died.
            var kills: Int
            /// A worker stopped for so long that others take it for dead, then going on.
            var pauses = 0
            /// `pg_ctl stop -m immediate`, and a start.
            var postgresRestarts = 0
            /// SIGKILL, and a start from the append-only file.
            var redisKills = 0

            var testDescription: String {
                "\(entries) entries at \(rate)/s, \(kills) kills, \(pauses) pauses, \(postgresRestarts) of PostgreSQL, "
                    + "\(redisKills) of Redis"
            }
        }

        /// `MILLRACE_PROVE=1` runs the sizes that the README quotes.
        static let isProof = ProcessInfo.processInfo.environment["MILLRACE_PROVE"] == "1"

        static let plans: [Plan] =
            isProof
            ? [
                Plan(entries: 1_000_000, rate: 20_000, kills: 25, pauses: 2),
                Plan(entries: 1_000_000, rate: 20_000, kills: 25, pauses: 1, postgresRestarts: 4, redisKills: 4),
            ]
            : [
                Plan(entries: 200_000, rate: 8_000, kills: 10, pauses: 1),
                Plan(entries: 100_000, rate: 6_000, kills: 5, postgresRestarts: 2, redisKills: 2),
            ]

        @Test(arguments: plans) func killsLoseNothingAndStoreNothingTwice(_ plan: Plan) async throws {
            let scene = try await Scene(ownPostgres: plan.postgresRestarts > 0)
            let feeder = Feeder(scene, rate: plan.rate)
            var fleet = try Fleet(scene)
            let began = ContinuousClock.now
            let span = Duration.seconds(plan.entries) / plan.rate
            var events = Self.events(plan)
            let pause = span / (events.count + 1)
            let limit = span * 3 + .seconds(60)

            while fleet.effectiveKills < plan.kills || feeder.progress.confirmed < plan.entries || !events.isEmpty {
                // Even then the oracle has its say: what was lost tells more than that time ran out.
                guard ContinuousClock.now - began < limit else {
                    Issue.record("not enough kills in time: \(fleet.report), \(feeder.progress)")
                    break
                }
                try await Task.sleep(for: pause * Double.random(in: 0.5...1.2))
                switch events.popLast() {
                case .kill: try await fleet.kill()
                case .pause: try await fleet.pause()
                case .postgres: try await scene.postgres.restart(mode: .immediate)
                case .redis:
                    scene.redis.kill()
                    try await scene.redis.restart()
                case nil where fleet.effectiveKills < plan.kills: try await fleet.kill()
                case nil: break
                }
            }
            feeder.stop()
            try await feeder.finish()

            // The living finish what the dead left behind, without anybody's help.
            try await eventually(within: .seconds(60), "nothing stays pending: \(fleet.report)") {
                try scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            let claimed = await fleet.sum("millrace_entries_claimed_total")
            let covered = await fleet.sum("millrace_rows_deduplicated_total", "ledger")
            try await fleet.stop()
            try await scene.drain()
            print(
                "kill run: \(plan.testDescription): \(fleet.report); the last survivors claimed \(claimed) and skipped "
                    + "\(covered) that were stored already; \(feeder.progress.confirmed) confirmed; "
                    + "\(ContinuousClock.now - began)")
            #expect(fleet.effectiveKills >= plan.kills)
            #expect(claimed > 0, "a kill that nobody had to claim after proves little")
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
            if plan.postgresRestarts > 0 { await scene.postgres.stop() }
        }

        private enum Event { case kill, pause, postgres, redis }

        private static func events(_ plan: Plan) -> [Event] {
            let all =
                Array(repeating: Event.kill, count: plan.kills) + Array(repeating: .pause, count: plan.pauses)
                + Array(repeating: .postgres, count: plan.postgresRestarts)
                + Array(repeating: .redis, count: plan.redisKills)
            // The last event is a kill: what it leaves behind is what the survivors must claim.
            return [.kill] + all.dropFirst().shuffled()
        }
    }
}

/// Workers of two lanes, three as a rule, some of which die now and then.
struct Fleet {
    private let scene: Scene
    private var workers: [MillraceProcess] = []
    private let ports: [Int]
    private let settings: [String: String]
    private(set) var kills = 0
    /// Kills that left pending entries behind.
    private(set) var effectiveKills = 0
    private var leftBehind = 0

    init(_ scene: Scene, count: Int = 3, settings: [String: String] = [:]) throws {
        self.scene = scene
        self.settings = settings
        ports = (0..<count).map { _ in HTTPProbe.freePort() }
        for number in 0..<count { workers.append(try start(number)) }
    }

    var report: String { "\(kills) kills, \(effectiveKills) with pending entries (\(leftBehind) in all)" }

    private func start(_ number: Int) throws -> MillraceProcess {
        try scene.worker(
            "w\(number)",
            settings: [
                "lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(ports[number])",
                "claim.every": "500ms",
            ].merging(settings) { $1 })
    }

    /// Waits until some worker has entries pending, kills it, and starts another in its place.
    mutating func kill() async throws {
        let number = Int.random(in: workers.indices)
        // A worker that starts again under its name has other consumers than the one that died before it.
        var consumers: Set<String> = []
        let end = ContinuousClock.now + .seconds(5)
        while .now < end, pending(of: consumers) == 0 {
            consumers = (try? scene.consumers(ofWorker: "w\(number)")) ?? []
            try await Task.sleep(for: .milliseconds(2))
        }
        workers[number].send(SIGKILL)
        try await workers[number].wait()
        kills += 1
        let left = pending(of: consumers)
        if left > 0 { effectiveKills += 1 }
        leftBehind += left
        workers[number] = try start(number)
    }

    /// Longer than a silence that makes others claim.
    func pause() async throws {
        let number = Int.random(in: workers.indices)
        workers[number].send(SIGSTOP)
        try await Task.sleep(for: .milliseconds(6_500))
        workers[number].send(SIGCONT)
    }

    private func pending(of consumers: Set<String>) -> Int {
        guard !consumers.isEmpty else { return 0 }
        let all = (try? scene.pendingByConsumer()) ?? [:]
        return all.filter { consumers.contains($0.key) }.values.reduce(0, +)
    }

    /// A series, added up over the living.
    func sum(_ series: String, _ labels: String = "") async -> Int {
        var sum = 0.0
        for port in ports { sum += await HTTPProbe.get("/metrics", port: port)?.series(series, labels) ?? 0 }
        return Int(sum)
    }

    /// Stops all; each must end well.
    func stop() async throws {
        for worker in workers { worker.send(SIGTERM) }
        for worker in workers {
            let result = try await worker.wait()
            #expect(result.status == 0, "\(result.errors.suffix(2_000))")
        }
    }
}

extension Scene {
    /// The consumers of a worker that runs now: its lanes' connections bear their names.
    func consumers(ofWorker name: String) throws -> Set<String> {
        let clients = try command("CLIENT", "LIST").text ?? ""
        let names = clients.split(separator: " ").compactMap { word in
            word.hasPrefix("name=millrace/\(name).") ? String(word.dropFirst("name=millrace/".count)) : nil
        }
        return Set(names.filter { !$0.contains("/") })
    }

    /// Whether the group has been given every entry.
    func isAllDelivered() throws -> Bool {
        try streams().allSatisfy { stream in
            let info = try command("XINFO", "STREAM", .text(stream)).array ?? []
            let at = info.firstIndex { $0.text == "last-generated-id" }
            guard let at, at + 1 < info.count else { return false }
            return try info[at + 1].text == groupFact("last-delivered-id", of: stream)
        }
    }
}
