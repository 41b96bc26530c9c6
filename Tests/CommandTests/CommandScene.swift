import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import Records
import RedisWire
import Testing

/// A Redis of the test's own, a folder for files, and the command run against them.
struct CommandScene {
    let redis: LocalRedis
    let connection: RedisConnection
    let files = TestFolder()

    init() async throws {
        redis = try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
        connection = try RedisConnection.connect(to: RedisEndpoint(url: redis.url), name: "test")
    }

    /// Runs `millrace` with its Redis, and a PostgreSQL that is not there unless a database is given; an empty one counts
    /// as not given to `millrace` either.
    func run(
        _ arguments: [String], input: String? = nil, database: String? = nil, environment: [String: String] = [:]
    ) async throws -> MillraceProcess.Result {
        var variables = environment
        variables["MILLRACE_REDIS_URL"] = redis.url
        variables["MILLRACE_POSTGRES_URL"] = database ?? "postgresql://nobody@127.0.0.1:1/none"
        let file = try input.map { try files.write("input", $0) }
        return try await MillraceProcess.run(arguments, environment: variables, input: file)
    }

    /// All entries of a stream as `name=value` texts.
    func entries(_ stream: String) throws -> [(id: String, fields: [String])] {
        try (connection.command("XRANGE", .text(stream), "-", "+").array ?? []).map { entry in
            let parts = entry.array ?? []
            let values = (parts.last?.array ?? []).map { $0.text ?? "" }
            let fields = stride(from: 0, to: values.count, by: 2).map { "\(values[$0])=\(values[$0 + 1])" }
            return (parts.first?.text ?? "", fields)
        }
    }

    func length(_ stream: String) throws -> Int64? { try connection.command("XLEN", .text(stream)).integer }
}

/// Runs blocking code on a thread of its own, so that it takes none from the tests' pool.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

/// A folder that goes with its last reference.
final class TestFolder: Sendable {
    let url: URL

    init() {
        url = FileManager.default.temporaryDirectory.appending(path: "millrace-command-\(UUID().uuidString)")
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ text: String) throws -> URL {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let file = url.appending(path: name)
        try Data(text.utf8).write(to: file)
        return file
    }

    /// Compresses with the system's gzip: another implementation than the one under test.
    func writeGzip(_ name: String, _ text: String) async throws -> URL {
        let plain = try write(name, text)
        let gzip = Process()
        gzip.executableURL = URL(filePath: "/bin/gzip")
        gzip.arguments = ["-f", plain.path]
        try gzip.run()
        gzip.waitUntilExit()
        return url.appending(path: name + ".gz")
    }
}

/// An address as the variables that `psql` takes it from.
func variablesOfPostgres(_ url: String) throws -> [String: String] {
    let endpoint = try PostgresEndpoint(url)
    return [
        "PGHOST": endpoint.host, "PGPORT": endpoint.port, "PGUSER": endpoint.user, "PGDATABASE": endpoint.database,
        "PGPASSWORD": URLComponents(string: url)?.password ?? "",
    ]
}

/// Reads one JSON object.
func decode<T: Decodable>(_ type: T.Type, _ text: some StringProtocol) throws -> T {
    try JSONDecoder().decode(type, from: Data(String(text).utf8))
}

extension String {
    var lines: [Substring] { split(separator: "\n") }

    /// Whether it holds a character that could act on a terminal; line feeds are allowed.
    var isUnsafeForTerminals: Bool {
        unicodeScalars.contains { scalar in
            scalar != "\n" && (scalar.properties.generalCategory == .control || scalar.value == 0x202E)
        }
    }
}
