import Foundation
import IngestTesting
import RedisWire
import Testing

/// A database that knows nothing of what was read, as an empty copy that was restored or one that other variables name,
/// is no database in which everything is accounted for.
struct WrongDatabaseTests {
    private struct Stats: Decodable {
        struct Accounting: Decodable {
            var lost: Int?
            var unknown: Int
            var isAuditedWhole: Bool
            var hasGoneBack: Bool

            private enum CodingKeys: String, CodingKey {
                case lost
                case unknown = "unknown_streams"
                case isAuditedWhole = "audited_whole"
                case hasGoneBack = "destination_went_back"
            }
        }

        var accounting: Accounting
    }

    private struct Line: Decodable {
        var stream: String
        var problem: String?
    }

    /// Three entries of md:ticker, stored in a database; md:trades was not read by anybody.
    private func scene() async throws -> (CommandScene, database: String) {
        let scene = try await CommandScene()
        for number in 1...3 {
            try scene.connection.command(
                "XADD", "md:ticker", "*", "time", "1735689600", "exchange", "X", "symbol", "S", "bid_price",
                .integer(number))
        }
        let database = try await TestServices.shared.migratedDatabase()
        let drain = try await scene.run(
            ["run", "--drain", "--timeout", "60s", "-s", "http.enabled=false"], database: database)
        #expect(drain.status == 0, "\(drain.errors)")
        try scene.connection.command("XADD", "md:trades", "*", "a", "b")
        return (scene, database)
    }

    @Test func statsDoNotCallItsStreamsWhole() async throws {
        let (scene, database) = try await scene()
        let right = try await scene.run(["stats", "--json"], database: database)
        let known = try decode(Stats.self, right.output).accounting
        #expect(known.lost == 0)
        #expect(known.unknown == 0)
        #expect(!known.hasGoneBack)

        let empty = try await TestServices.shared.migratedDatabase()
        let wrong = try await scene.run(["stats", "--json"], database: empty)
        let told = try decode(Stats.self, wrong.output).accounting
        #expect(told.lost == nil)
        #expect(told.unknown == 1)
        #expect(!told.isAuditedWhole)
        #expect(told.hasGoneBack)
        let text = try await scene.run(["stats"], database: empty).output
        #expect(text.contains("lost not known (1 streams cannot be counted)"), "\(text)")
        #expect(text.contains("the database does not know 1 streams that were read"), "\(text)")
        #expect(text.contains("went back behind what was acknowledged: run `millrace reconcile`"), "\(text)")
    }

    @Test func theAuditNamesThem() async throws {
        let (scene, database) = try await scene()
        #expect(try await scene.run(["audit"], database: database).status == 0)

        let empty = try await TestServices.shared.migratedDatabase()
        let audit = try await scene.run(["audit", "--json"], database: empty)
        #expect(audit.status == 1, "\(audit.errors)")
        let lines = try audit.output.lines.map { try decode(Line.self, $0) }
        #expect(lines.map(\.stream) == ["md:ticker"])
        #expect(lines.first?.problem == "the database does not know this stream")
        #expect(audit.errors.contains("1 of 1 streams were not audited to the end"))
        #expect(try await scene.run(["audit", "md:tick*"], database: empty).status == 1)
    }
}
