import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

/// What somebody has to change, a password, a right, a table, ends every command with 78; a server that is away with 1.
struct ExitStatusTests {
    private static let readers = [["audit"], ["stats"], ["dlq", "ls"], ["batch", "ls"]]

    private func expect(
        _ status: Int32, of commands: [[String]], _ scene: CommandScene, _ database: String?, naming word: String,
        redis: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let settings = redis.map { ["-s", "redis.url=\($0)"] } ?? []
        for command in commands {
            let result = try await scene.run(command + settings, database: database)
            #expect(result.status == status, "\(command): \(result.errors)", sourceLocation: sourceLocation)
            #expect(result.errors.contains(word), "\(command): \(result.errors)", sourceLocation: sourceLocation)
        }
    }

    /// `invalid` is no machine's name: with the setting it is asked for, in vain.
    @Test(arguments: [["run", "-s", "startup.wait=1s", "-s", "http.enabled=false"], ["audit"]])
    func nothingGoesToAnotherMachineInClearTextUnasked(command: [String]) async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        let redis = ["redis.url=redis://:secret@redis.invalid"]
        let postgres = ["postgres.url=postgresql://me@postgres.invalid/market?sslmode=disable"]
        for (settings, key) in [(redis, "redis.insecure_ok"), (postgres, "postgres.insecure_ok")] {
            func words(_ settings: [String]) -> [String] { command + settings.flatMap { ["-s", $0] } }
            let refused = try await scene.run(words(settings), database: database)
            #expect(refused.status == 78 && refused.errors.contains("set \(key)"), "\(refused.errors)")
            let allowed = try await scene.run(words(settings + ["\(key)=true"]), database: database)
            #expect(allowed.status == 1 && allowed.errors.contains(".invalid"), "\(allowed.errors)")
            #expect(!allowed.errors.contains("secret"))
        }
    }

    @Test func aLoginOrADatabaseThatIsNotThere() async throws {
        let scene = try await CommandScene()
        let postgres = try await TestServices.shared.postgres()
        let database = try await TestServices.shared.database()
        var address = try #require(URLComponents(string: database))
        address.user = "nobody_has_this_name"
        address.password = "wrong"
        try await expect(78, of: Self.readers, scene, try #require(address.string), naming: "PostgreSQL")
        try await expect(
            78, of: Self.readers, scene, postgres.url(database: "no_such_database"), naming: "no_such_database")
    }

    @Test func aTableThatIsNotThere() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.database()
        try await expect(78, of: Self.readers, scene, database, naming: "the database lacks a table")
    }

    @Test func aRightThatIsMissing() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        let role = "poor_\(UInt32.random(in: 0 ... .max))"
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try connection.execute("CREATE ROLE \(role) LOGIN PASSWORD 'poor'", deadline: .now + .seconds(120))
        var address = try #require(URLComponents(string: database))
        address.user = role
        address.password = "poor"
        try await expect(78, of: Self.readers, scene, try #require(address.string), naming: "PostgreSQL refuses")
    }

    @Test func aPasswordOrARightOfRedis() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        let commands = [["audit"], ["stats"], ["stream", "ls"], ["pending", "ls"]]
        try scene.connection.command("XADD", "md:trades", "*", "a", "b")
        try scene.connection.command(
            "ACL", "SETUSER", "poor", "on", ">poor", "~*", "+@connection", "+ping", "+client")
        let address = try #require(URLComponents(string: scene.redis.url))
        let place = "\(address.host ?? ""):\(address.port ?? 0)"
        try await expect(78, of: commands, scene, database, naming: "NOPERM", redis: "redis://poor:poor@\(place)")
        try await expect(78, of: commands, scene, database, naming: "WRONGPASS", redis: "redis://poor:bad@\(place)")
        try scene.connection.command("ACL", "SETUSER", "default", "resetpass", ">known")
        try await expect(78, of: commands, scene, database, naming: "NOAUTH")
    }

    @Test func aServerThatIsAwayIsNoConfiguration() async throws {
        let scene = try await CommandScene()
        try await expect(1, of: [["audit"], ["dlq", "ls"]], scene, nil, naming: "cannot reach PostgreSQL")
        try await expect(
            1, of: [["stats"], ["pending", "ls"]], scene, nil, naming: "cannot reach Redis",
            redis: "redis://127.0.0.1:1")
    }
}
