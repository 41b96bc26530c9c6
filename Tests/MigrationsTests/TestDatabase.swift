import Foundation
import IngestTesting
import LocalServices
import PostgresWire

extension ContinuousClock.Instant {
    /// Long enough for anything that is meant to succeed.
    static var soon: Self { .now + .seconds(60) }
}

/// A fresh database of the test servers.
struct TestDatabase {
    let url: String

    init() async throws {
        url = try await TestServices.shared.database()
    }

    /// On a server without TimescaleDB.
    static func plain() async throws -> TestDatabase {
        let postgres = try await TestServices.shared.plainPostgres()
        return TestDatabase(url: postgres.url(database: try await TestServices.shared.freshDatabase(on: postgres)))
    }

    private init(url: String) {
        self.url = url
    }

    static func on(_ tier: Tier) async throws -> TestDatabase {
        switch tier {
        case .timescaleDB: try await TestDatabase()
        case .plain: try await plain()
        }
    }

    /// The servers that every migration has to work on.
    enum Tier: CaseIterable {
        case timescaleDB, plain
    }

    func connect(_ name: String = "millrace/test/0") throws -> PostgresConnection {
        try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: name)
    }
}

/// Runs blocking code on a thread of its own, so that it takes none from the tests' pool.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
