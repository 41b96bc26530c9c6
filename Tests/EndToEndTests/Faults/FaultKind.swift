import Foundation
import Glibc
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

/// Everything that the long run breaks, one after the other.
enum FaultKind: String, CaseIterable, Sendable {
    case killWorker = "SIGKILL of a worker"
    case killAtPlace = "SIGKILL at a place of a batch"
    case killAll = "SIGKILL of all workers"
    case freezeWorker = "SIGSTOP of a worker"
    case stopWorker = "SIGTERM of a worker"
    case endSessions = "PostgreSQL sessions ended"
    case killBackend = "a backend killed"
    case restartPostgres = "PostgreSQL stopped and started"
    case crashPostgres = "PostgreSQL stopped at once"
    case lockTable = "a table locked"
    case cutPostgres = "PostgreSQL connections cut"
    case losePostgres = "answers of PostgreSQL lost"
    case cutRedis = "Redis connections cut"
    case stallRedis = "Redis connections silent"
    case killRedis = "Redis killed"
    case pauseRedis = "CLIENT PAUSE"
    case killClients = "CLIENT KILL"
    case destroyGroup = "XGROUP DESTROY"
}

/// Three workers behind proxies, and the faults that befall them.
struct FaultField: Sendable {
    static let places = ["after-read", "mid-copy", "after-copy", "commit-sent", "after-commit", "before-ack"]

    let scene: Scene
    let redis: CuttingProxy
    let postgres: CuttingProxy
    private(set) var workers: [WatchedWorker] = []

    init(_ scene: Scene, workers count: Int) throws {
        self.scene = scene
        redis = try CuttingProxy(to: scene.redis.port)
        postgres = try CuttingProxy(to: scene.postgres.port)
        for number in 0..<count { workers.append(try start(number)) }
    }

    private func start(_ number: Int, fault: String? = nil) throws -> WatchedWorker {
        try scene.watched(
            "w\(number)",
            settings: [
                "redis.url": scene.redisURL(through: redis), "postgres.url": scene.postgresURL(through: postgres),
            ],
            environment: fault.map { ["MILLRACE_FAULT": $0] } ?? [:])
    }

    private mutating func replace(_ number: Int, fault: String? = nil) async throws {
        try await workers[number].process.wait()
        workers[number] = try start(number, fault: fault)
    }

    /// Breaks something, and mends it again; returns when the fault is over.
    mutating func inject(_ kind: FaultKind) async throws {
        let number = Int.random(in: workers.indices)
        let worker = workers[number].process
        switch kind {
        case .killWorker:
            worker.send(SIGKILL)
            try await replace(number)
        case .killAtPlace:
            worker.send(SIGTERM)
            let place = Self.places.randomElement() ?? Self.places[0]
            try await replace(number, fault: "\(place):kill@\(Int.random(in: 1...5))")
            try await replace(number)
        case .killAll:
            for worker in workers { worker.process.send(SIGKILL) }
            for number in workers.indices { try await replace(number) }
        case .freezeWorker:
            worker.send(SIGSTOP)
            try await Task.sleep(for: .milliseconds(6_000))
            worker.send(SIGCONT)
        case .stopWorker:
            worker.send(SIGTERM)
            try await replace(number)
        case .endSessions: _ = try scene.terminateSessions()
        case .killBackend:
            if let pid = try scene.lanePIDs().first { Glibc.kill(pid, SIGKILL) }
            // Until the server has noticed; then it is away, until it has recovered.
            try await Task.sleep(for: .milliseconds(200))
        case .restartPostgres, .crashPostgres:
            await scene.postgres.stop(mode: kind == .crashPostgres ? .immediate : .fast)
            try await Task.sleep(for: .milliseconds(500))
            try await scene.postgres.restart()
        case .lockTable: try await lockTable()
        case .cutPostgres: postgres.cutAll()
        case .losePostgres:
            postgres.swallow(true, .toClient)
            try await Task.sleep(for: .milliseconds(300))
            postgres.swallow(false, .toClient)
            postgres.cutAll()
        case .cutRedis: redis.cutAll()
        case .stallRedis:
            redis.stall()
            try await Task.sleep(for: .seconds(1))
            redis.stall(false)
        case .killRedis:
            scene.redis.kill()
            try await scene.redis.restart()
        case .pauseRedis:
            try scene.command("CLIENT", "PAUSE", "1000")
            try await Task.sleep(for: .seconds(1))
        case .killClients: try scene.command("CLIENT", "KILL", "TYPE", "normal")
        case .destroyGroup:
            if let stream = try scene.streams().randomElement() {
                try scene.command("XGROUP", "DESTROY", .text(stream), "millrace")
            }
        }
    }

    private func lockTable() async throws {
        let locker = try PostgresConnection.connect(to: PostgresEndpoint(scene.databaseURL), applicationName: "locker")
        try locker.execute("BEGIN; LOCK TABLE market_data_trades IN ACCESS EXCLUSIVE MODE", deadline: .soon)
        try await Task.sleep(for: .seconds(1))
        try locker.execute("ROLLBACK", deadline: .soon)
    }

    /// Stops all; each must end well.
    func stop() async throws {
        try await scene.stop(workers)
        redis.stop()
        postgres.stop()
    }
}
