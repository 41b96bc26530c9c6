import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

struct AuditCommandTests {
    private struct Line: Decodable {
        var stream: String
        var missing: Int
        var problem: String?
    }

    /// md:trades is in Redis, md:gone is not; the database ingests both.
    private func scene() async throws -> (CommandScene, database: String) {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", "md:trades", "1-0", "a", "b")
        try scene.connection.command("XGROUP", "CREATE", "md:trades", "millrace", "0")
        let database = try await TestServices.shared.migratedDatabase()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try connection.execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
            VALUES ('default', 0, 'md:trades', 'millrace', gen_random_uuid()),
                   ('default', 0, 'md:gone', 'millrace', gen_random_uuid())
            """, deadline: .now + .seconds(120))
        return (scene, database)
    }

    @Test func aStreamThatIsGoneIsNotPassedOver() async throws {
        let (scene, database) = try await scene()
        let result = try await scene.run(["audit", "--json"], database: database)
        #expect(result.status == 1, "\(result.errors)")
        let lines = try result.output.lines.map { try decode(Line.self, $0) }
        #expect(lines.map(\.stream) == ["md:trades", "md:gone"])
        #expect(lines.first?.problem == nil)
        #expect(lines.last?.problem == "the stream, or its group, is gone from Redis")
        #expect(try await scene.run(["audit"], database: database).output.contains("is gone from Redis"))
        #expect(try await scene.run(["audit", "md:trades"], database: database).status == 0)
        for name in ["md:gone", "md:g*"] {
            let gone = try await scene.run(["audit", name], database: database)
            #expect(gone.status == 1)
            #expect(gone.errors.contains("1 of 1 streams were not audited to the end"))
        }
    }

    @Test func missingEntriesWeighMoreThanAStreamThatIsGone() async throws {
        let (scene, database) = try await scene()
        try scene.connection.command("XREADGROUP", "GROUP", "millrace", "hand", "STREAMS", "md:trades", ">")
        try scene.connection.command("XACK", "md:trades", "millrace", "1-0")
        let result = try await scene.run(["audit", "--json"], database: database)
        #expect(result.status == 3, "\(result.errors)")
        #expect(try result.output.lines.map { try decode(Line.self, $0).missing } == [1, 0])
    }

    @Test func idsThatAreNotListedAreCounted() async throws {
        let (scene, database) = try await scene()
        for number in 2...25 { try scene.connection.command("XADD", "md:trades", .text("\(number)-0"), "a", "b") }
        try scene.connection.command("XREADGROUP", "GROUP", "millrace", "hand", "STREAMS", "md:trades", ">")
        for number in 1...25 { try scene.connection.command("XACK", "md:trades", "millrace", .text("\(number)-0")) }
        let result = try await scene.run(["audit", "md:trades"], database: database)
        #expect(result.output.contains("19-0 20-0 and 5 more\n"), "\(result.output)")
    }

    @Test(arguments: ["md:tardes", "md:tar*"]) func aStreamThatIsNotIngestedIsNamed(_ name: String) async throws {
        let (scene, database) = try await scene()
        let result = try await scene.run(["audit", "md:trades", name], database: database)
        #expect(result.status == 1)
        #expect(result.errors.contains("the database ingests no stream \(name) through this group"))
        #expect(result.errors.contains("millrace stream ls"))
    }
}
