import Foundation
public import LocalServices
import Migrations
import PostgresWire

/// The servers of a test process: one Redis and one PostgreSQL that all tests share, started when the first asks, and
/// stopped and removed when the process ends.
///
/// A server that cannot be had throws, with a sentence that says what to install: such a test fails, it never skips.
public actor TestServices {
    public static let shared = TestServices()

    private var started: Task<LocalServices, any Error>?
    private var plain: Task<LocalPostgres, any Error>?
    private var templates: [String: Task<String, any Error>] = [:]
    private var writers: [String: Task<String, any Error>] = [:]
    private var databaseCount = 0

    private init() {}

    /// The address of a fresh database (superuser) with the timescaledb extension where it can be had.
    public func database() async throws -> String {
        let postgres = try await self.postgres()
        return postgres.url(database: try await freshDatabase(on: postgres))
    }

    /// The address of a fresh database (superuser) that is migrated already.
    public func migratedDatabase() async throws -> String {
        let postgres = try await self.postgres()
        return postgres.url(database: try await migratedDatabase(on: postgres))
    }

    /// The shared PostgreSQL. Stopping it is forbidden: use `privatePostgres()`.
    public func postgres() async throws -> LocalPostgres {
        try await services().postgres
    }

    /// The shared PostgreSQL without TimescaleDB, as a managed service may offer it. Stopping it is forbidden.
    public func plainPostgres() async throws -> LocalPostgres {
        if let plain { return try await plain.value }
        let start = Task { try await LocalPostgres.startTemporary(tiers: [.plain]) }
        plain = start
        return try await start.value
    }

    /// The address of a database for a user who may do what a worker may, and no more: a member of `millrace_writer`.
    public func writerURL(database: String, on postgres: LocalPostgres) async throws -> String {
        let password = try await writerPassword(on: postgres)
        var parts = URLComponents(string: postgres.url(database: database))
        parts?.user = Self.writer
        parts?.password = password
        return parts?.string ?? ""
    }

    static let writer = "millrace_test_writer"

    /// The role `millrace_writer` may be here before the migrations: they have to live with that.
    private func writerPassword(on postgres: LocalPostgres) async throws -> String {
        if let known = writers[postgres.directory] { return try await known.value }
        let making = Task { try await Self.makeWriter(on: postgres) }
        writers[postgres.directory] = making
        return try await making.value
    }

    private static func makeWriter(on postgres: LocalPostgres) async throws -> String {
        let password = "w" + String(UInt64.random(in: 0 ... .max), radix: 36)
        try await postgres.run(
            sql: """
                DO $$ BEGIN CREATE ROLE millrace_writer NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                DO $$ BEGIN CREATE ROLE \(Self.writer) LOGIN IN ROLE millrace_writer;
                  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                ALTER ROLE \(Self.writer) PASSWORD '\(password)'
                """, database: "postgres")
        return password
    }

    /// The shared Redis. Use keys of your own; for FLUSHALL, kills and limits use `privateRedis()`.
    public func redis() async throws -> LocalRedis {
        try await services().redis
    }

    /// Makes a fresh database on `postgres` and returns its name.
    public func freshDatabase(on postgres: LocalPostgres) async throws -> String {
        databaseCount += 1
        let name = "test_\(databaseCount)"
        try await postgres.createDatabase(named: name)
        return name
    }

    /// Makes a fresh database with the whole schema on `postgres` and returns its name. It is a copy of one that was
    /// migrated once: hundreds of tests need one each.
    public func migratedDatabase(on postgres: LocalPostgres) async throws -> String {
        let template = try await template(on: postgres)
        databaseCount += 1
        let name = "test_\(databaseCount)"
        try await postgres.run(sql: "CREATE DATABASE \(name) TEMPLATE \(template)", database: "postgres")
        return name
    }

    private func template(on postgres: LocalPostgres) async throws -> String {
        if let known = templates[postgres.directory] { return try await known.value }
        let making = Task {
            let name = try await freshDatabase(on: postgres)
            let url = postgres.url(database: name)
            try await Self.migrate(url)
            return name
        }
        templates[postgres.directory] = making
        return try await making.value
    }

    /// On a thread of its own: migrations block theirs.
    private static func migrate(_ url: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let endpoint = try PostgresEndpoint(url)
                        let connection = try PostgresConnection.connect(to: endpoint, applicationName: "test/template")
                        defer { connection.close() }
                        _ = try Migrator(connection).up()
                    })
            }
        }
    }

    /// A Redis of the caller's own, to kill and restart. The caller stops it.
    public func privateRedis(_ options: RedisOptions = RedisOptions(fsync: .always)) async throws -> LocalRedis {
        try await LocalRedis.startTemporary(options: options)
    }

    /// A PostgreSQL of the caller's own, to kill and restart. The caller stops it.
    public func privatePostgres(settings: [String: String] = [:]) async throws -> LocalPostgres {
        try await LocalPostgres.startTemporary(settings: Self.settings.merging(settings) { $1 })
    }

    /// No schedulers of TimescaleDB: one would sit in every test database.
    private static let settings = ["timescaledb.max_background_workers": "0"]

    private func services() async throws -> LocalServices {
        if let started { return try await started.value }
        let start = Task { try await LocalServices.start(postgres: Self.settings) }
        started = start
        return try await start.value
    }
}
