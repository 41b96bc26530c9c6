import Foundation
import Glibc
import LocalServices
import Migrations
import Settings

/// The demo, in the order in which it is told.
struct Demo {
    /// How much there is to do.
    struct Load {
        /// Entries a second while things are broken.
        var rate: Int
        /// How many of them; `nil` is all that are recorded.
        var count: Int?
        /// Simulated entries at the end.
        var backlog: Int
    }

    private static let patience = Duration.seconds(60)
    /// Seconds of the steady load, and its rate.
    private static let steadySeconds = 5
    private static let steadyRate = 5_000

    private let servers: PrivateServers
    private let narration: Narration
    private let load: Load
    private let publisher: DemoPublisher
    private let streams: DemoStreams
    private let workers: WorkerProcesses
    private let checks: DemoChecks
    private let settings: Settings

    init(servers: PrivateServers, folder: URL, narration: Narration, load: Load) throws {
        self.servers = servers
        self.narration = narration
        self.load = load
        publisher = try DemoPublisher(url: servers.redisURL)
        streams = try DemoStreams(url: servers.redisURL)
        workers = try WorkerProcesses(
            name: "demo", configuration: SettingsInput.builtInFile.text,
            environment: [
                "MILLRACE_REDIS_URL": servers.redisURL, "MILLRACE_POSTGRES_URL": servers.postgresURL,
                "MILLRACE_HTTP_ENABLED": "false",
            ], folder: folder)
        checks = DemoChecks(database: servers.database)
        settings = try Settings.load(SettingsInput()).settings
    }

    func run() async throws -> DemoReport {
        narration.say(servers.services.postgres.description)
        let kind = servers.tier.name == .plain ? "partitioned tables" : "hypertables"
        narration.say("schema in place: four \(kind); retention off, nothing is deleted by age")
        let files = RecordedFiles.find()

        let running = [try await startWorker(), try await startWorker()]
        let garbage = try await underTrouble(files, running)
        try await drain()
        let first = try await checks.rows()
        let counted = await publisher.expected
        narration.say(Self.sentence(first, counted))

        let steady = try await steadyLoad()
        let speed = try await backlogSpeed()

        let expected = await publisher.expected
        narration.say("comparing the tables with what was published")
        return try await checks.report(
            expected: expected, garbage: garbage, pending: try await streams.pending(settings), steady: steady,
            speed: speed, source: files == nil ? "simulated" : "recorded and simulated", tier: servers.tier,
            elapsed: narration.elapsed)
    }

    /// Such as `13,217 trades …: as counted in the input`.
    private static func sentence(_ rows: [String: Int], _ expected: ExpectedRows) -> String {
        let parts = ExpectedRows.names.map { name in
            let word = name.split(separator: "_").last ?? ""
            return "\(word) \(Figures.count(rows[name] ?? 0))"
        }
        let isRight = ExpectedRows.names.allSatisfy { rows[$0] ?? 0 == expected.tables[$0]?.rows ?? 0 }
        let verdict = isRight ? "as counted in the input without the codec" : "NOT what was counted in the input"
        return "rows: \(parts.joined(separator: ", ")); \(verdict)"
    }

    // MARK: 1. Everything breaks

    /// Publishes while a worker dies, PostgreSQL crashes and garbage comes.
    /// - Returns: the letters that must come of the garbage.
    private func underTrouble(_ files: RecordedFiles?, _ running: [WorkerProcess]) async throws -> [String: Int] {
        let total: Int
        if let files {
            total = min(try await publisher.count(files), load.count ?? .max)
        } else {
            total = load.count ?? 200_000
        }
        let what = files.map { "recorded entries of \($0.paths.count) files in \($0.folder)" } ?? "simulated entries"
        narration.say("publishing \(Figures.count(total)) \(what), \(Figures.count(load.rate)) a second")
        async let publishing: Void = publish(files, total: total)
        try await waitForPublished(total / 4)
        try await kill(running[0])
        try await waitForPublished(total / 2)
        try await crashPostgres()
        try await waitForPublished(total * 3 / 4)
        let garbage = try await feedGarbage()
        try await publishing
        return garbage
    }

    private func publish(_ files: RecordedFiles?, total: Int) async throws {
        if let files { return try await publisher.publish(files, rate: load.rate, total: total) }
        try await publisher.publish(.init(seed: 1, count: total, rate: load.rate, start: Self.now))
    }

    private func waitForPublished(_ count: Int) async throws {
        let end = ContinuousClock.now + .seconds(600)
        while publisher.published.value < count {
            guard .now < end else { throw CommandFailure("publishing does not get on") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func kill(_ worker: WorkerProcess) async throws {
        worker.send(SIGKILL)
        let pending = try await streams.pending(settings)
        narration.say(
            "kill -9 of worker \(worker.name) (pid \(worker.pid)); "
                + "\(Figures.count(pending)) entries are read and not acknowledged")
        _ = try await startWorker()
    }

    private func crashPostgres() async throws {
        let start = ContinuousClock.now
        try await servers.services.postgres.restart(mode: .immediate)
        let away = Figures.decimal((ContinuousClock.now - start).seconds, digits: 1)
        narration.say("PostgreSQL stopped as a crash would (immediate) and started again: \(away) s")
    }

    /// From a producer of its own, in between the good entries.
    private func feedGarbage() async throws -> [String: Int] {
        let producer = try DemoPublisher(url: servers.redisURL)
        let causes = try await producer.publishGarbage(timeMicroseconds: Self.now)
        let count = causes.values.reduce(0, +)
        narration.say(
            "\(count) pieces of garbage: NaN, NUL, 2 MB, broken UTF-8, missing fields, times of the year 3000, …")
        return causes
    }

    private func startWorker() async throws -> WorkerProcess {
        let worker = try await workers.start()
        narration.say("worker \(worker.name) started (pid \(worker.pid))")
        return worker
    }

    private func drain() async throws {
        narration.say("everything is published: millrace run --drain")
        let worker = try await workers.start(["--drain", "--timeout", "60s"])
        let status = try await worker.wait(limit: Self.patience + .seconds(15))
        guard status == 0 else {
            throw CommandFailure("the streams were not drained: \(worker.lastWords)")
        }
        narration.say("drained: every entry is read, committed and acknowledged")
    }

    // MARK: 2. Steady load

    private func steadyLoad() async throws -> DemoReport.Steady {
        let count = Self.steadyRate * Self.steadySeconds
        narration.say("latency: \(Figures.count(Self.steadyRate)) entries a second for \(Self.steadySeconds) s")
        let begin = Self.now
        try await publisher.publish(.init(seed: 2, count: count, rate: Self.steadyRate, start: begin))
        try await waitForLedger()
        return try await checks.latency(rate: Self.steadyRate, entries: count, sinceMicroseconds: begin)
    }

    private func waitForLedger() async throws {
        let total = await publisher.expected.entries
        let end = ContinuousClock.now + Self.patience
        while try await checks.recordedEntries() < total {
            guard .now < end else { return }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: 3. Backlog

    /// Stops the workers, fills the streams, and lets two fresh workers work it off.
    private func backlogSpeed() async throws -> DemoReport.Speed {
        try await workers.stopAll(limit: Self.patience)
        narration.say("workers stopped with SIGTERM; publishing a backlog of \(Figures.count(load.backlog)) entries")
        try await publisher.publish(.init(seed: 3, count: load.backlog, rate: nil, start: Self.now))
        let begin = Self.now
        let pair = [try await workers.start(["--drain"]), try await workers.start(["--drain"])]
        narration.say("two workers drain it")
        for worker in pair where try await worker.wait(limit: Self.patience) != 0 {
            throw CommandFailure("the backlog was not drained: \(worker.lastWords)")
        }
        return try await checks.speed(entries: load.backlog, sinceMicroseconds: begin)
    }

    /// Microseconds since 1970.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
