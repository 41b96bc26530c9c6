import Foundation
import IngestTesting
import LocalServices
import Maintenance
import PostgresWire
import Records
import RedisWire
import Testing

/// The parent of all suites that want the machine for themselves: their tests run one after the other.
@Suite(.serialized) enum EndToEnd {}

extension ContinuousClock.Instant {
    /// Long enough for anything that is meant to succeed.
    static var soon: Self { .now + .seconds(60) }
}

/// A Redis of the test's own, a migrated database, and the command run against them.
///
/// Every look at a server is a connection of its own, so that looks survive restarts of the servers.
struct Scene: Sendable {
    static let group = "millrace"

    let redis: LocalRedis
    let postgres: LocalPostgres
    let database: String
    /// Workers log in as a member of `millrace_writer`; tests look and prepare as the superuser.
    let workerURL: String

    /// - Parameters:
    ///   - ownPostgres: a PostgreSQL to stop and restart, not the one that other tests use.
    ///   - plain: PostgreSQL without TimescaleDB.
    init(
        ownPostgres: Bool = false, plain: Bool = false, migrated: Bool = true,
        redisOptions: RedisOptions = RedisOptions(fsync: .always)
    ) async throws {
        redis = try await TestServices.shared.privateRedis(redisOptions)
        if plain {
            postgres = try await TestServices.shared.plainPostgres()
        } else {
            postgres =
                ownPostgres
                ? try await TestServices.shared.privatePostgres() : try await TestServices.shared.postgres()
        }
        database =
            migrated
            ? try await TestServices.shared.migratedDatabase(on: postgres)
            : try await TestServices.shared.freshDatabase(on: postgres)
        workerURL = try await TestServices.shared.writerURL(database: database, on: postgres)
    }

    var databaseURL: String { postgres.url(database: database) }

    func stop() async {
        await redis.stop()
    }

    // MARK: The command

    /// What every worker of a scene is told; `settings` come last and win.
    private func arguments(_ settings: [String: String]) -> [String] {
        let standard = [
            "redis.url": redis.url, "postgres.url": workerURL, "http.enabled": "false", "discovery.every": "200ms",
            // A slow machine is not taken for a worker that does not end.
            "shutdown.grace": "60s",
        ]
        return standard.merging(settings) { $1 }.sorted { $0.key < $1.key }.flatMap { ["-s", "\($0.key)=\($0.value)"] }
    }

    func millrace(
        _ command: [String], settings: [String: String] = [:], limit: Duration = .seconds(120)
    ) async throws -> MillraceProcess.Result {
        let words = command + (command.first == "migrate" ? [] : arguments(settings))
        let environment = ["MILLRACE_POSTGRES_URL": databaseURL]
        return try await MillraceProcess.run(words, environment: environment, limit: limit)
    }

    /// A worker that runs until it is told to stop.
    func worker(
        _ name: String = "w", settings: [String: String] = [:], environment: [String: String] = [:],
        launcher: [String] = []
    ) throws -> MillraceProcess {
        try MillraceProcess(
            ["run"] + arguments(settings.merging(["worker": name]) { given, _ in given }), environment: environment,
            launcher: launcher)
    }

    /// Runs a worker until everything is stored and acknowledged.
    func drain(settings: [String: String] = [:], limit: Duration = .seconds(120)) async throws {
        let seconds = max(1, Int(limit / .seconds(1)) - 5)
        let result = try await millrace(
            ["run", "--drain", "--timeout", "\(seconds)s"], settings: settings.merging(["worker": "drain"]) { $1 },
            limit: limit)
        try #require(result.status == 0, "run --drain: \(result.errors.prefix(6_000))")
    }

    // MARK: PostgreSQL

    /// What `millrace db maintain` does.
    func maintain() throws {
        _ = try Maintainer(Self.connect(workerURL)).run()
    }

    private static func connect(_ url: String) throws(PostgresError) -> PostgresConnection {
        try PostgresConnection.connect(
            to: PostgresEndpoint(url), applicationName: "test", deadline: .now + .seconds(10))
    }

    func rows(
        _ sql: String, _ parameters: [String?] = [], deadline: PostgresConnection.Deadline = .soon
    ) throws -> ResultSet {
        try Self.connect(databaseURL).query(sql, parameters, deadline: deadline)
    }

    func execute(_ sql: String) throws {
        try Self.connect(databaseURL).execute(sql, deadline: .soon)
    }

    /// The value of an integer expression, or of a scalar subquery.
    func number(_ expression: String) throws -> Int {
        Int(try rows("SELECT (\(expression))::bigint AS n")[0].requiredInteger("n"))
    }

    func count(_ table: String) throws -> Int { try number("SELECT count(*) FROM \(table)") }

    /// Entries that the ledger says are disposed of.
    func covered() throws -> Int { try number("SELECT coalesce(sum(n), 0) FROM ingest.ledger") }

    func letterCount() throws -> Int { try count("ingest.dead_letter") }

    // MARK: Redis

    func onRedis() throws -> RedisConnection {
        let endpoint = try RedisEndpoint(url: redis.url)
        let connection = try RedisConnection.connect(to: endpoint, name: "test", timeout: .seconds(30))
        connection.commandTimeout = .seconds(30)
        return connection
    }

    @discardableResult
    func command(_ arguments: RedisArgument...) throws -> RedisValue {
        try onRedis().command(arguments)
    }

    /// Every stream but Millrace's own.
    func streams() throws -> [String] {
        let keys = try command("KEYS", "*").array ?? []
        return try keys.compactMap(\.text).filter { key in
            try !key.hasPrefix("millrace:") && command("TYPE", .text(key)).text == "stream"
        }
    }

    /// Entries that were delivered and not acknowledged, by consumer.
    func pending(of stream: String) throws -> [String: Int] {
        let summary = try command("XPENDING", .text(stream), .text(Self.group)).array ?? []
        guard summary.count == 4, let consumers = summary[3].array else { return [:] }
        var result: [String: Int] = [:]
        for consumer in consumers {
            guard let pair = consumer.array, let name = pair[0].text, let count = pair[1].integer else { continue }
            result[name] = Int(count)
        }
        return result
    }

    func pendingCount() throws -> Int {
        try streams().reduce(0) { try $0 + pending(of: $1).values.reduce(0, +) }
    }

    /// The group's `field`, such as `last-delivered-id`; `nil` without the group.
    func groupFact(_ field: String, of stream: String) throws -> String? {
        for group in try command("XINFO", "GROUPS", .text(stream)).array ?? [] {
            let words = (group.array ?? []).map { $0.text ?? $0.integer.map(String.init) ?? "" }
            let pairs = Dictionary(
                stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) },
                uniquingKeysWith: { first, _ in first })
            if pairs["name"] == Self.group { return pairs[field] }
        }
        return nil
    }

    /// Adds an entry; returns its id.
    @discardableResult
    func add(_ stream: String, id: String = "*", _ fields: KeyValuePairs<String, String>) throws -> String {
        let words = fields.flatMap { [RedisArgument.text($0.key), .text($0.value)] }
        return try onRedis().command([.text("XADD"), .text(stream), .text(id)] + words).text ?? ""
    }
}

/// Runs blocking code on a thread of its own, so that it takes none from the tests' pool.
@discardableResult
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

/// Looks until the condition holds. Servers that are away meanwhile count as "not yet". `what` is asked for at the end:
/// what a worker said meanwhile is in it.
func eventually(
    within limit: Duration = Proof.pick(.seconds(90), proof: .seconds(30)), _ what: @autoclosure () -> Comment,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while true {
        if (try? condition()) == true { return }
        guard .now < end else { break }
        try await Task.sleep(for: .milliseconds(25))
    }
    try #require(try condition(), what(), sourceLocation: sourceLocation)
}
