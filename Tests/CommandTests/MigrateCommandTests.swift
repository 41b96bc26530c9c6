import Foundation
import IngestTesting
import LocalServices
import Migrations
import PostgresWire
import Testing

struct MigrateCommandTests {
    private struct Report: Decodable {
        struct Step: Decodable {
            var number: Int
            var sql: String?
        }

        var direction: String
        var steps: [Step]
        var current: Int
        var newest: Int
    }

    private struct Status: Decodable {
        struct Tier: Decodable {
            var name: String
            var postgresql: String
        }

        struct Step: Decodable {
            var name: String
            var state: String
        }

        var current: Int
        var migrations: [Step]
        var tier: Tier
    }

    private func run(_ database: String, _ arguments: [String]) async throws -> MillraceProcess.Result {
        try await MillraceProcess.run(["migrate"] + arguments, environment: ["MILLRACE_POSTGRES_URL": database])
    }

    @Test func goesUpAndDown() async throws {
        let database = try await TestServices.shared.database()
        let newest = Migration.shipped.count
        #expect(try await run(database, ["validate"]).status == 3)

        let dry = try await run(database, ["up", "--dry-run", "--show-sql", "--json"])
        let plan = try decode(Report.self, dry.output)
        #expect(plan.steps.map(\.number) == Array(1...newest))
        #expect(plan.steps[0].sql?.contains("CREATE TABLE ingest.ledger") == true)
        #expect(plan.current == 0)

        #expect(try await run(database, ["up", "--max-steps", "1"]).output.contains("applied 1 ingest_ledger"))
        let up = try decode(Report.self, try await run(database, ["up", "--json"]).output)
        #expect(up.steps.map(\.number) == Array(2...newest))
        #expect(up.current == newest)
        #expect(try await run(database, ["up"]).output.hasPrefix("nothing to do"))
        #expect(try await run(database, ["validate", "--json"]).status == 0)

        let asked = try await run(database, ["down"])
        #expect(asked.status == 2)
        #expect(asked.errors.contains("--force"))
        #expect(try await run(database, ["validate"]).status == 0, "without --force nothing was dropped")
        let down = try await run(database, ["down", "--target-version", "0", "--force", "--json"])
        #expect(try decode(Report.self, down.output).current == 0)
    }

    @Test func statusTellsTheTier() async throws {
        let database = try await TestServices.shared.database()
        #expect(try await run(database, ["up"]).status == 0)
        let text = try await run(database, ["status"])
        #expect(text.status == 0)
        #expect(text.output.contains("tier: "))
        let status = try decode(Status.self, try await run(database, ["status", "--json"]).output)
        #expect(status.migrations.allSatisfy { $0.state == "applied" })
        let hasTimescaleDB = try await TestServices.shared.postgres().hasTimescaleDB
        #expect(hasTimescaleDB ? ["apache", "community"].contains(status.tier.name) : status.tier.name == "plain")
    }

    @Test func variablesOfPostgresAreHonoured() async throws {
        let url = try await TestServices.shared.database()
        let result = try await MillraceProcess.run(
            ["migrate", "status", "--json"], environment: try variablesOfPostgres(url))
        #expect(result.status == 0, "\(result.errors)")
        #expect(try decode(Status.self, result.output).current == 0)
    }

    @Test func sqlNeedsNoDatabase() async throws {
        let up = try await run("postgresql://nobody@127.0.0.1:1/none", ["sql", "--json"])
        #expect(up.status == 0)
        #expect(up.output.lines.count == Migration.shipped.count)
        let down = try await run("postgresql://nobody@127.0.0.1:1/none", ["sql", "--down"])
        #expect(down.output.contains("DROP"))
    }

    @Test func aStepThatFailsSaysWhich() async throws {
        let database = try await TestServices.shared.database()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try connection.execute("CREATE SCHEMA ingest; CREATE TABLE ingest.ledger ()", deadline: .now + .seconds(120))
        let result = try await run(database, ["up"])
        #expect(result.status == 1)
        #expect(result.errors.contains("m0001_ingest_ledger.up.sql"))
    }
}
