import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

struct ExplainCommandTests {
    private struct Answer: Decodable {
        struct Letter: Decodable {
            var source: Int
            var state: String
        }

        var fate: String
        var source: Int?
        var letter: Letter?
        var trialProblem: String?

        private enum CodingKeys: String, CodingKey {
            case fate, source, letter
            case trialProblem = "trial_problem"
        }
    }

    /// Two incarnations of md:trades, 1 closed and 2 open. A floor of each covers the ids up to 5-0; of 2-0 both have a
    /// letter, of 4-0 the closed one alone.
    private static let ledger = """
        INSERT INTO ingest.source (source_no, redis_id, redis_db, stream, grp, incarnation, closed_at)
        OVERRIDING SYSTEM VALUE
        VALUES (1, 'default', 0, 'md:trades', 'millrace', gen_random_uuid(), now()),
               (2, 'default', 0, 'md:trades', 'millrace', gen_random_uuid(), NULL);
        INSERT INTO ingest.ledger (source_no, ids, kind, n)
        SELECT source_no, ingest.sidrange(lpad('0', 32, '0')::uuid, rpad(lpad('5', 16, '0'), 32, '0')::uuid, '[]'),
               'F', 3 FROM ingest.source;
        INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, fingerprint, state)
        SELECT source_no, rpad(lpad(id, 16, '0'), 32, '0')::uuid, 'md:trades', fields, length(fields), 'x', 'x', 'f', state
          FROM (VALUES (1, '2', 'r'::"char"), (2, '2', 'o'), (1, '4', 'd')) AS l(source_no, id, state),
               (VALUES (convert_to(E'*2\\r\\n$1\\r\\na\\r\\n$1\\r\\nb\\r\\n', 'UTF8'))) AS f(fields);
        """

    /// The entry 3-0 is in the stream.
    private func scene() async throws -> (CommandScene, database: String) {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", "md:trades", "3-0", "a", "b")
        let database = try await TestServices.shared.migratedDatabase()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try connection.execute(Self.ledger, deadline: .now + .seconds(120))
        return (scene, database)
    }

    private func explain(
        _ scene: CommandScene, _ id: String, _ database: String, environment: [String: String] = [:]
    ) async throws -> Answer {
        let result = try await scene.run(
            ["explain", "--stream", "md:trades", "--id", id, "--json"], database: database, environment: environment)
        #expect(result.status == 0, "\(result.errors)")
        return try decode(Answer.self, result.output)
    }

    @Test func anIDThatARangeSpansIsNotCalledStored() async throws {
        let (scene, database) = try await scene()
        #expect(try await explain(scene, "3-0", database).fate == "stored")
        #expect(try await explain(scene, "1-7", database).fate == "covered")
        let told = try await scene.run(["explain", "--stream", "md:trades", "--id", "1-7"], database: database)
        #expect(told.output.contains("trimmed, deleted or never there"))
    }

    @Test func thePresentIncarnationTells() async throws {
        let (scene, database) = try await scene()
        let both = try await explain(scene, "2-0", database)
        #expect(both.fate == "letter_open")
        #expect(both.source == 2)
        #expect(both.letter?.source == 2)
        // Another entry of this id, of a stream that is gone.
        let earlier = try await explain(scene, "4-0", database)
        #expect(earlier.fate == "covered")
        #expect(earlier.letter == nil)
    }

    @Test func aMappingThatDoesNotFitHidesNoOtherFact() async throws {
        let (scene, database) = try await scene()
        let file = try scene.files.write(
            "millrace.yaml",
            """
            streams:
              trades:
                keys: ["md:trades"]
                table: nowhere
                columns: { a: a }
            """)
        let environment = ["MILLRACE_CONFIG": file.path]
        let answer = try await explain(scene, "3-0", database, environment: environment)
        #expect(answer.fate == "stored")
        #expect(answer.trialProblem?.contains("nowhere") == true)
        let told = try await scene.run(
            ["explain", "--stream", "md:trades", "--id", "3-0"], database: database, environment: environment)
        #expect(told.status == 0, "\(told.errors)")
        #expect(told.output.contains("LEDGER"))
        #expect(told.output.contains("cannot be tried now: mapping trades: "))
    }
}
