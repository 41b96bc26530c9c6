import Foundation
import IngestTesting
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
