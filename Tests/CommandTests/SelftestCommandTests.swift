import Foundation
import IngestTesting
import PostgresWire
import RedisWire
import Testing

@testable import millrace

struct SelftestCommandTests {
    private struct Report: Decodable {
        var published, stored, lost, twice, changed, deadLetters, recorded, kills, cuts: Int
    }

    @Test func killsAndCutsLoseNothingAndNothingIsLeftBehind() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        let result = try await scene.run(
            [
                "selftest", "--entries", "6000", "--rate", "1000", "--kills", "3", "--pauses", "0", "--cuts", "2",
                "--json",
            ], database: database)
        #expect(result.status == 0, "\(result.errors)")
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        #expect(report.published == 6_000 && report.stored == 6_000 && report.recorded == 6_000)
        #expect(report.lost == 0 && report.twice == 0 && report.changed == 0 && report.deadLetters == 0)
        #expect(report.kills == 3)
        #expect(report.cuts > 0, "the workers had connections to cut")

        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        for sql in [
            "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'millrace\\_selftest%'", "SELECT 1 FROM ingest.source",
            "SELECT 1 FROM ingest.ledger", "SELECT 1 FROM ingest.batch", "SELECT 1 FROM ingest.batch_range",
        ] {
            #expect(try connection.query(sql, deadline: .now + .seconds(10)).count == 0, "\(sql)")
        }
        let keys = try scene.connection.command("KEYS", "*").array ?? []
        // A worker's lease goes by itself after five seconds.
        #expect(keys.compactMap(\.text).filter { !$0.contains(":slot:") } == [])
    }

    @Test func aDatabaseWithoutLedgerIsNamed() async throws {
        let scene = try await CommandScene()
        let result = try await scene.run(["selftest"], database: try await TestServices.shared.database())
        #expect(result.status == 1)
        #expect(result.errors.contains("run `millrace migrate up`"))
    }

    @Test func anyDifferenceIsFound() {
        let right = SelftestReport(
            published: 10, stored: 10, lost: 0, twice: 0, changed: 0, deadLetters: 0, recorded: 10, kills: 1, pauses: 0,
            cuts: 0, seconds: 1)
        #expect(right.isRight)
        for change in [\SelftestReport.stored, \.lost, \.twice, \.changed, \.deadLetters, \.recorded] {
            var wrong = right
            wrong[keyPath: change] += 1
            #expect(!wrong.isRight)
        }
    }
}
