import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

/// Streams that are named on the command line, and are not there.
struct StreamNameTests {
    private func paused(_ scene: CommandScene) throws -> Int64? {
        try scene.connection.command("HLEN", "millrace:{millrace}:paused").integer
    }

    @Test func aNameThatNobodyKnowsIsNotPaused() async throws {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", "md:trades", "*", "a", "b")
        try scene.connection.command("SET", "text", "1")
        for name in ["md:tardes", "text"] {
            let result = try await scene.run(["stream", "pause", "md:trades", name])
            #expect(result.status == 1)
            #expect(result.output.isEmpty)
            #expect(
                result.errors.contains("there is no stream \(name), and no mapping of the configuration names it"),
                "\(result.errors)")
        }
        #expect(try paused(scene) == 0)
    }

    @Test func aNameThatHalfIsThereIsWarnedOf() async throws {
        let scene = try await CommandScene()
        for stream in ["md:trades", "trades-X-1", "unmapped"] {
            try scene.connection.command("XADD", .text(stream), "*", "a", "b")
        }
        let known = try await scene.run(["stream", "pause", "md:trades", "trades-X-1"])
        #expect(known.status == 0 && known.errors.isEmpty, "\(known.errors)")
        let unmapped = try await scene.run(["stream", "pause", "unmapped"])
        #expect(unmapped.status == 0)
        #expect(unmapped.errors.contains("no mapping of the configuration names unmapped"), "\(unmapped.errors)")
        for stream in ["md:ticker", "trades-Y-1"] {
            let coming = try await scene.run(["stream", "pause", stream])
            #expect(coming.status == 0)
            #expect(coming.errors.contains("there is no stream \(stream) yet"), "\(coming.errors)")
        }
        #expect(try paused(scene) == 5)
    }

    @Test(arguments: [
        ["pending", "ls"], ["pending", "release", "--force"], ["pending", "claim", "--to", "ada", "--force"],
    ]) func pendingEntriesOfAStreamThatIsNotReadAreAMistake(_ words: [String]) async throws {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", "md:trades", "*", "a", "b")
        try scene.connection.command("XGROUP", "CREATE", "md:trades", "millrace", "0")
        try scene.connection.command("XADD", "unread", "*", "a", "b")
        let unread = try await scene.run(words + ["--stream", "md:trades", "--stream", "unread"])
        #expect(unread.status == 1)
        #expect(unread.errors.contains("group millrace does not read stream unread"), "\(unread.errors)")
        let gone = try await scene.run(words + ["--stream", "md:tardes"])
        #expect(gone.status == 1)
        #expect(gone.errors.contains("there is no stream md:tardes"), "\(gone.errors)")
        for stream in ["md:trades", "un*"] {
            let found = try await scene.run(words + ["--stream", stream])
            #expect(found.status == 0, "\(found.errors)")
        }
    }

    @Test func patternsMeanNamesThatAreNotUTF8Too() async throws {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", .bytes([0x73, 0xFF]), "*", "a", "b")
        #expect(try await scene.run(["stream", "pause", "s*"]).output == "paused 1\n")
        #expect(try await scene.run(["stream", "resume", "s?"]).output == "resumed 1\n")
        #expect(try paused(scene) == 0)
        let database = try await TestServices.shared.migratedDatabase()
        try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test").execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
            VALUES ('default', 0, '\\x73ff', 'millrace', gen_random_uuid())
            """, deadline: .now + .seconds(120))
        let audit = try await scene.run(["audit", "s*"], database: database)
        #expect(audit.errors.contains("1 of 1 streams were not audited"), "it has no group: \(audit.errors)")
    }
}
