import IngestTesting
import LocalServices
import PostgresWire
import Testing

/// A scene and a database with letters of one source, which the test's connection looks at.
struct LetterScene {
    let scene: CommandScene
    let database: String
    let connection: PostgresConnection

    /// Letters 1-0 … `count`-0 of md:trades, open, with one field each.
    init(_ count: Int) async throws {
        scene = try await CommandScene()
        database = try await TestServices.shared.migratedDatabase()
        connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
              VALUES ('default', 0, 'md:trades', 'millrace', gen_random_uuid());
            INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, table_name,
                                            fingerprint)
            SELECT s.source_no, (lpad(to_hex(n), 16, '0') || repeat('0', 16))::uuid, 'md:trades', fields,
                   length(fields), 'not_a_number', 'not_a_number', 'market_data_trades', 'f'
              FROM ingest.source s, generate_series(1, \(count)) AS n,
                   (VALUES (convert_to(E'*2\\r\\n$1\\r\\na\\r\\n$1\\r\\nb\\r\\n', 'UTF8'))) AS f(fields)
            """)
    }

    func execute(_ sql: String) throws {
        try connection.execute(sql, deadline: .now + .seconds(30))
    }

    /// The one number that a query gives.
    func number(_ sql: String) throws -> Int {
        Int(try connection.query("SELECT (\(sql))::bigint AS n", deadline: .now + .seconds(30))[0].requiredInteger("n"))
    }

    func count(_ condition: String) throws -> Int {
        try number("SELECT count(*) FROM ingest.dead_letter WHERE \(condition)")
    }

    /// Waits until so many letters are like that; two minutes at most.
    func wait(for wanted: Int, _ condition: String) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while try count(condition) < wanted {
            try #require(.now < end, "\(wanted) letters are: \(condition)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Until somebody else in this database waits for a lock; a minute at most.
    func waitUntilTheCommandWaitsForALock() async throws {
        let end = ContinuousClock.now + .seconds(60)
        func waiting() throws -> Int {
            try number(
                """
                SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'
                """)
        }
        while try waiting() == 0, .now < end { try await Task.sleep(for: .milliseconds(20)) }
        try #require(try waiting() > 0, "the command waits for a lock")
    }

    @discardableResult
    func run(_ words: [String], status: Int32 = 0) async throws -> MillraceProcess.Result {
        let result = try await scene.run(words, database: database)
        #expect(result.status == status, "\(words): \(result.errors)")
        return result
    }

    /// The command beside the test.
    func start(_ words: [String]) throws -> MillraceProcess {
        try MillraceProcess(
            words, environment: ["MILLRACE_REDIS_URL": scene.redis.url, "MILLRACE_POSTGRES_URL": database])
    }
}
