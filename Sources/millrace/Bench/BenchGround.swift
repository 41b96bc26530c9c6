import Foundation
import LocalServices
import PostgresWire
import RedisWire

/// What the benches of the worker share: a database of their own on private servers, and this very program as the
/// worker.
struct BenchGround {
    let services: LocalServices
    let name: String

    private static let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""

    var database: String { services.postgres.url(database: name) }

    var environment: [String: String] {
        ["MILLRACE_REDIS_URL": services.redis.url, "MILLRACE_POSTGRES_URL": database, "MILLRACE_WORKER": "bench"]
    }

    /// Makes the database and its schema.
    func prepare() async throws {
        try await services.postgres.createDatabase(named: name)
        try await millrace(["migrate", "up"])
    }

    /// Runs a command of this program to its end.
    /// - Returns: its peak memory in bytes, as far as it was seen.
    @discardableResult
    func millrace(_ arguments: [String]) async throws -> Int {
        try await Child.run([Self.executable] + arguments, environment: environment)
    }

    func connect() throws -> PostgresConnection {
        try PostgresConnection.connect(to: try PostgresEndpoint(database), applicationName: "millrace/bench")
    }

    func connectRedis() throws -> RedisConnection {
        try RedisConnection.connect(to: try RedisEndpoint(url: services.redis.url), name: "millrace/bench")
    }

    /// Empty tables, and a ledger that knows nothing.
    func empty() throws {
        try connect().execute(
            """
            TRUNCATE market_data_trades, ingest.source, ingest.ledger, ingest.batch, ingest.batch_range,
                     ingest.dead_letter RESTART IDENTITY; CHECKPOINT
            """, deadline: .now + .seconds(60))
    }

    /// Drains the streams with the options given.
    func drain(_ options: [String]) async throws -> Drain {
        let peak = try await millrace(
            ["run", "--drain", "--timeout", "10m", "-s", "http.enabled=false", "-s", "log.level=error"] + options)
        let found = try connect().query(
            """
            SELECT count(*) AS batches, extract(epoch FROM max(committed_at) - min(read_at))::float8::text AS seconds,
                   (SELECT count(*) FROM market_data_trades) AS stored,
                   (SELECT count(*) FROM ingest.dead_letter) AS letters FROM ingest.batch
            """, deadline: .now + .seconds(60))
        guard let row = found.first, let seconds = try row.text("seconds").flatMap(Double.init) else {
            throw CommandFailure("the worker stored nothing")
        }
        return Drain(
            seconds: seconds, peakMemoryBytes: peak, batches: Int(try row.requiredInteger("batches")),
            stored: Int(try row.requiredInteger("stored")), letters: Int(try row.requiredInteger("letters")))
    }

    struct Drain {
        /// From the first read to the last COMMIT.
        var seconds: Double
        var peakMemoryBytes: Int
        var batches: Int
        var stored: Int
        var letters: Int
    }
}
