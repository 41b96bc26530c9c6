import Foundation
import Glibc
import IngestTesting
import LocalServices
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
        try expectNothingLeft(scene, database)
    }

    private func expectNothingLeft(_ scene: CommandScene, _ database: String) throws {
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        for sql in [
            "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'millrace\\_selftest%'", "SELECT 1 FROM ingest.source",
            "SELECT 1 FROM ingest.ledger", "SELECT 1 FROM ingest.batch", "SELECT 1 FROM ingest.batch_range",
        ] {
            #expect(try connection.query(sql, deadline: .now + .seconds(120)).count == 0, "\(sql)")
        }
        let keys = try scene.connection.command("KEYS", "*").array ?? []
        // A worker's lease goes by itself after five seconds.
        #expect(keys.compactMap(\.text).filter { !$0.contains(":slot:") } == [])
    }

    /// The schema of the self-test, once a row has come to its table.
    private func schema(_ connection: PostgresConnection) async throws -> String {
        let end = ContinuousClock.now + .seconds(120)
        var found: String?
        while found == nil, .now < end {
            let schema = try connection.query(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'millrace\\_selftest%'",
                deadline: .now + .seconds(30)
            ).first?.text("nspname")
            if let schema, try hasRow(connection, schema) { found = schema }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try #require(found, "a row has come")
    }

    private func hasRow(_ connection: PostgresConnection, _ schema: String) throws -> Bool {
        let table = try connection.query(
            "SELECT to_regclass('\(schema).event')::text AS name", deadline: .now + .seconds(30))[0].text("name")
        guard table != nil else { return false }
        return try connection.query("SELECT 1 FROM \(schema).event LIMIT 1", deadline: .now + .seconds(30)).count > 0
    }

    private func start(_ scene: CommandScene, _ database: String, _ words: [String]) throws -> MillraceProcess {
        try MillraceProcess(
            ["selftest", "--kills", "0", "--pauses", "0", "--cuts", "0"] + words,
            environment: ["MILLRACE_REDIS_URL": scene.redis.url, "MILLRACE_POSTGRES_URL": database])
    }

    @Test func anInterruptedOneLeavesNothingBehind() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        let process = try start(scene, database, ["--entries", "100000", "--rate", "500"])
        _ = try await schema(connection)
        process.send(SIGTERM)
        let result = try await process.wait()
        #expect(result.status == 1)
        #expect(result.errors.contains("stopped before the end"), "\(result.errors)")
        try expectNothingLeft(scene, database)
    }

    @Test func aDifferenceIsKeptToBeLookedAt() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        // It comes with the table: no moment to be met between the first row and the judgement.
        try connection.execute(
            """
            CREATE FUNCTION public.add_a_row() RETURNS event_trigger LANGUAGE plpgsql AS $$
            DECLARE made text;
            BEGIN
                FOR made IN SELECT object_identity FROM pg_event_trigger_ddl_commands()
                             WHERE object_type = 'table' AND schema_name LIKE 'millrace\\_selftest%'
                LOOP
                    EXECUTE format('INSERT INTO %s VALUES (1, ''another one'')', made);
                END LOOP;
            END $$;
            CREATE EVENT TRIGGER add_a_row ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
                EXECUTE FUNCTION public.add_a_row()
            """, deadline: .now + .seconds(120))
        let process = try start(scene, database, ["--entries", "2000", "--rate", "500"])
        let result = try await process.wait(limit: .seconds(400))
        #expect(result.status == 3, "\(result.errors)")
        let schema = try #require(
            try connection.query(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'millrace\\_selftest%'",
                deadline: .now + .seconds(120)
            ).first?.text("nspname"))
        #expect(result.errors.contains("kept: schema \(schema), group "), "\(result.errors)")
        let rows = try connection.query("SELECT count(*) AS n FROM \(schema).event", deadline: .now + .seconds(120))[0]
        #expect(try rows.integer("n") == 2_001)
        let folder = try #require(result.errors.split(separator: " ").last).trimmingCharacters(in: .newlines)
        #expect(FileManager.default.fileExists(atPath: folder))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func whatKeptItFromItsEndIsKeptToBeLookedAt() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        // It may not cut connections.
        try scene.connection.command("ACL", "SETUSER", "tester", "on", ">secret", "~*", "&*", "+@all", "-client|list")
        let url = scene.redis.url.replacing("redis://", with: "redis://tester:secret@")
        let result = try await scene.run(
            ["selftest", "--entries", "200", "--kills", "0", "--pauses", "0", "--cuts", "1", "-s", "redis.url=\(url)"],
            database: database)
        #expect(result.status == 78)
        #expect(result.errors.contains("NOPERM"), "\(result.errors)")
        #expect(result.errors.contains("kept: schema millrace_selftest_"), "\(result.errors)")
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        let schemas = try connection.query(
            "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'millrace\\_selftest%'", deadline: .now + .seconds(120))
        #expect(schemas.count == 1)
        let line = try #require(result.errors.lines.first { $0.hasPrefix("kept: ") })
        let folder = String(try #require(line.split(separator: " ").last))
        #expect(FileManager.default.fileExists(atPath: folder))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func manyEntriesMayTakeLonger() {
        func patience(_ entries: Int) -> Duration {
            Selftest.Plan(entries: entries, rate: 1, workers: 1, kills: 0, pauses: 0, cuts: 0).patience
        }
        #expect(patience(1_000) == .seconds(120))
        #expect(patience(100_000_000) > .seconds(3_600))
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
