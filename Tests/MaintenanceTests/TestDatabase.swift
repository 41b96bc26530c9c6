import Foundation
import IngestTesting
import LocalServices
import PostgresWire

extension ContinuousClock.Instant {
    /// Long enough for anything that is meant to succeed.
    static var soon: Self { .now + .seconds(120) }
}

/// The servers that maintenance has to work on.
enum Tier: CaseIterable {
    case timescaleDB, plain
}

/// A fresh, migrated database, seen by its owner and by a worker.
struct TestDatabase: Sendable {
    private let url: String
    private let writerURL: String

    init(on tier: Tier) async throws {
        let services = TestServices.shared
        let postgres = try await tier == .plain ? services.plainPostgres() : services.postgres()
        let name = try await services.migratedDatabase(on: postgres)
        url = postgres.url(database: name)
        writerURL = try await services.writerURL(database: name, on: postgres)
    }

    func owner() throws -> PostgresConnection {
        try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test")
    }

    func writer() throws -> PostgresConnection {
        try PostgresConnection.connect(to: PostgresEndpoint(writerURL), applicationName: "test/writer")
    }
}

extension PostgresConnection {
    func number(_ sql: String) throws -> Int {
        Int(try query("SELECT (\(sql))::bigint AS n", deadline: .soon)[0].requiredInteger("n"))
    }
}

/// Runs blocking code on a thread of its own, so that it takes none from the tests' pool.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
