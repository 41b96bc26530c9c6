import Foundation
import Testing

@testable import LocalServices

/// One at a time: each starts a cluster of its own.
@Suite(.serialized) struct LocalPostgresTests {
    @Test func hasTimescaleDB() async throws {
        let postgres = try await LocalPostgres.startTemporary()
        #expect(postgres.hasTimescaleDB, "\(postgres.description)")
        #expect(postgres.description.contains("with TimescaleDB 2"))
        let made = try await postgres.value(
            """
            CREATE TABLE t (time timestamptz NOT NULL);
            SELECT hypertable_id > 0 FROM create_hypertable('t', by_range('time'));
            """)
        #expect(made == "t")
        #expect(try await postgres.value("SHOW timescaledb.telemetry_level") == "off")
        await postgres.stop()
    }

    @Test(arguments: [LocalPostgres.StopMode.fast, .immediate])
    func keepsCommittedRowsOverARestart(mode: LocalPostgres.StopMode) async throws {
        let postgres = try await LocalPostgres.startTemporary()
        let (port, pid) = (postgres.port, try #require(postgres.pid))
        try await postgres.run(sql: "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        try await postgres.restart(mode: mode)
        #expect(postgres.port == port)
        #expect(postgres.pid != pid)
        #expect(try await postgres.value("SELECT count(*) FROM kept") == "1000")
        await postgres.stop(mode: .immediate)
    }

    @Test func keepsCommittedRowsOverAKill() async throws {
        let postgres = try await LocalPostgres.startTemporary()
        try await postgres.run(sql: "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        postgres.kill()
        try await postgres.restart()
        #expect(try await postgres.value("SELECT count(*) FROM kept") == "1000")
        await postgres.stop(mode: .immediate)
    }

    @Test(arguments: [LocalPostgres.StopMode.smart, .fast, .immediate])
    func stoppingLeavesNoProcess(mode: LocalPostgres.StopMode) async throws {
        let postgres = try await LocalPostgres.startTemporary(settings: ["cluster_name": "stopping_\(mode)"])
        let pid = try #require(postgres.pid)
        #expect(!processes(mentioning: "postgres: stopping_\(mode)").isEmpty)
        await postgres.stop(mode: mode)
        #expect(!isAlive(pid))
        #expect(postgres.pid == nil)
        #expect(processes(mentioning: "postgres: stopping_\(mode)").isEmpty)
    }

    @Test func newDatabasesAreEmptyAndApart() async throws {
        let postgres = try await LocalPostgres.startTemporary()
        for name in ["first", "Second \"quoted\""] {
            try await postgres.createDatabase(named: name)
            #expect(
                try await postgres.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database: name)
                    == "0")
            #expect(
                try await postgres.value(
                    "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'", database: name) == "1")
            try await postgres.run(sql: "CREATE TABLE only_here ()", database: name)
        }
        try await postgres.createDatabase(named: "bare", withTimescaleDB: false)
        #expect(
            try await postgres.value(
                "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'", database: "bare") == "0")
        try await postgres.dropDatabase(named: "first")
        try await postgres.dropDatabase(named: "first")
        await #expect(throws: ServiceError.self) { try await postgres.run(sql: "SELECT 1", database: "first") }
        await postgres.stop(mode: .immediate)
    }

    @Test func asksForThePasswordOverTCPOnly() async throws {
        let postgres = try await LocalPostgres.startTemporary()
        let bare = "postgresql://millrace@127.0.0.1:\(postgres.port)/millrace"
        for (url, isWelcome) in [(bare, false), (postgres.url(), true)] {
            let words = postgres.server.installation.command(
                "psql", ["--no-password", "--command", "SELECT 1", url], folder: postgres.directory,
                user: postgres.server.user)
            #expect(try await (ChildCommand.run(words).status == 0) == isWelcome)
        }
        #expect(postgres.socketURL().contains("host=\(postgres.directory)/socket&port=\(postgres.port)"))
        await postgres.stop(mode: .immediate)
    }

    @Test func clientProgramsOfTheServersVersionAreAtHand() async throws {
        let postgres = try await LocalPostgres.startTemporary()
        try await postgres.run(sql: "CREATE TABLE dumped (n int)")
        let dump = try await ChildCommand.check(
            postgres.clientCommand("pg_dump", arguments: ["--schema-only"]), doing: "pg_dump")
        #expect(dump.contains("CREATE TABLE public.dumped"))
        await postgres.stop(mode: .immediate)
    }

    @Test func settingsOfTheCallerWinOverTheDefaults() async throws {
        let postgres = try await LocalPostgres.startTemporary(settings: ["max_connections": "17", "search_path": "a'b"])
        #expect(try await postgres.value("SHOW max_connections") == "17")
        #expect(try await postgres.value("SHOW search_path") == "a'b")
        #expect(try await postgres.value("SHOW fsync") == "on")
        #expect(try await postgres.value("SHOW server_encoding") == "UTF8")
        await postgres.stop(mode: .immediate)
    }

    @Test func aFolderOfTheCallersKeepsItsCluster() async throws {
        let scratch = try ScratchFolder()
        let first = try await LocalPostgres.start(in: scratch.path + "/pg")
        try await first.run(sql: "CREATE TABLE kept ()")
        let url = first.url()
        await first.stop()
        let second = try await LocalPostgres.start(in: scratch.path + "/pg")
        #expect(try await second.value("SELECT to_regclass('kept')") == "kept")
        // The password is the cluster's, the port is new.
        #expect(url.split(separator: "@").first == second.url().split(separator: "@").first)
        await second.stop()
        #expect(FileManager.default.fileExists(atPath: scratch.path + "/pg/data/PG_VERSION"))
    }

    @Test func aPortThatSomebodyTookMeanwhileIsExchangedForAnother() async throws {
        let first = try await LocalRedis.startTemporary()
        var ports = [try FreePort.find(), first.port]
        let scratch = try ScratchFolder()
        let postgres = try await LocalPostgres.start(
            in: scratch.path + "/pg", settings: [:], tiers: PostgresTier.allCases, lease: nil
        ) { ports.removeLast() }
        #expect(ports.isEmpty && postgres.port != first.port)
        #expect(try await postgres.value("SELECT 1") == "1")
        await first.stop()
        await postgres.stop(mode: .immediate)
    }

    @Test func aClusterOfAnotherMajorVersionIsRefused() async throws {
        let scratch = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: scratch.path + "/pg/data", withIntermediateDirectories: true)
        try Data("9\n".utf8).write(to: URL(fileURLWithPath: scratch.path + "/pg/data/PG_VERSION"))
        let error = await #expect(throws: ServiceError.self) {
            _ = try await LocalPostgres.start(in: scratch.path + "/pg")
        }
        #expect(error?.description.contains("was made by PostgreSQL 9") == true)
    }

    /// The tier of last resort; the Debian 13 root needs no PostgreSQL of the machine's own, so there may be none.
    @Test(.enabled(if: !PostgresInstallation.installed(in: nil).isEmpty))
    func servesWithoutTimescaleDBAndSaysSo() async throws {
        let postgres = try await LocalPostgres.startTemporary(tiers: [.plain])
        #expect(postgres.tier == .plain)
        #expect(postgres.description.contains("without TimescaleDB"))
        try await postgres.createDatabase(named: "bare")
        #expect(
            try await postgres.value(
                "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'", database: "bare") == "0")
        await postgres.stop(mode: .immediate)
    }

    @Test func aPlainPostgreSQLSaysWhyThereIsNoBetterOne() {
        let plain = PostgresInstallation(
            tier: .plain, major: 15, binFolder: "/bin", root: nil, timescaleVersion: nil,
            reasons: ["no root", "no luck"])
        #expect(
            plain.description == "PostgreSQL 15 without TimescaleDB, from this machine's packages (no root; no luck)")
    }

    @Test func namesWhatIsMissingWhenThereIsNoPostgreSQL() async throws {
        let error = await #expect(throws: ServiceError.self) { _ = try await LocalPostgres.startTemporary(tiers: []) }
        #expect(error?.description.contains("no PostgreSQL to run") == true)
    }
}
