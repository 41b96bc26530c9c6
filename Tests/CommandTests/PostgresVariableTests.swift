import Foundation
import IngestTesting
import RedisWire
import Testing

/// Commands that bring workers' parts along reach the database that the other commands reach: that of `PG*`.
struct PostgresVariableTests {
    private struct Refill: Decodable {
        var entries: Int
        var restored: Int
    }

    @Test func reconcileRefillsTheirDatabase() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        try scene.connection.command(
            "XADD", "ticker-X-1", "*", "timestamp", "1735689600", "exchange", "X", "symbol", "S", "receipt_timestamp",
            "1735689600", "ask", "None", "bid", "1")
        let drain = try await scene.run(
            ["run", "--drain", "--timeout", "120s", "-s", "http.enabled=false"], database: database)
        #expect(drain.status == 0, "\(drain.errors)")

        let result = try await scene.run(
            ["reconcile", "--json", "-s", "startup.wait=30s"], database: "",
            environment: try variablesOfPostgres(database))
        #expect(result.status == 0, "\(result.errors)")
        let refill = try decode(Refill.self, result.output)
        #expect(refill.entries == 1)
        #expect(refill.restored == 0, "this database has it already")
    }

    @Test func workersOfTheSelftestReachTheirDatabase() async throws {
        let scene = try await CommandScene()
        let result = try await scene.run(
            [
                "selftest", "--entries", "500", "--rate", "1000", "--workers", "1", "--kills", "0", "--pauses", "0",
                "--cuts", "0",
            ], database: "", environment: try variablesOfPostgres(await TestServices.shared.migratedDatabase()))
        #expect(result.status == 0, "\(result.errors)")
    }
}
