import Foundation
import IngestTesting
import LocalServices
import Migrations
import PostgresWire
import RedisWire
import Testing

struct StreamCommandTests {
    private struct Stream: Decodable {
        var stream: String
        var streamHex: String?
        var exists: Bool
        var length: Int
        var lag: Int?
        var pending: Int
        var consumers: Int
        var stored: Int?
        var open: Int?
        var oldestPending: Double?

        enum CodingKeys: String, CodingKey {
            case stream, exists, length, lag, pending, consumers, stored
            case streamHex = "stream_hex"
            case open = "dead_letters_open"
            case oldestPending = "oldest_pending_seconds"
        }
    }

    private struct Inspection: Decodable {
        struct Entry: Decodable {
            struct Field: Decodable {
                var name: String
                var value: String
                var cut: Bool
            }

            var fields: [Field]
        }

        struct Group: Decodable {
            var name: String
            var lag: Int?
        }

        var stream: Stream
        var groups: [Group]
        var newest: [Entry]
    }

    private struct Pending: Decodable {
        var stream: String
        var id: String
        var consumer: String
    }

    private struct Stats: Decodable {
        struct Totals: Decodable {
            var streams: Int
            var lag: Int?
            var pending: Int
            var stored: Int?
        }

        struct Database: Decodable {
            var answers: Bool
        }

        var streams: [Stream]
        var totals: Totals
        var database: Database
    }

    static let hostile = "trades-\u{1B}[31mred\nline\u{202E}"

    private func fill(_ scene: CommandScene) throws {
        for number in 0..<5 {
            try scene.connection.command("XADD", "md:trades", "*", "n", .integer(number))
            try scene.connection.command("XADD", .text(Self.hostile), "*", "\u{1B}]0;x\u{7}", "\u{9B}31m")
        }
        for stream in ["md:trades", Self.hostile] {
            try scene.connection.command("XGROUP", "CREATE", .text(stream), "millrace", "0")
            try scene.connection.command(
                "XREADGROUP", "GROUP", "millrace", "evil\u{1B}[2J", "COUNT", "3", "STREAMS", .text(stream), ">")
        }
        try scene.connection.command("XGROUP", "CREATECONSUMER", "md:trades", "millrace", .text(Self.marker))
    }

    private static let marker = "epoch:0b5f1e2a-0000-4000-8000-000000000001"

    @Test func listsTheStreamsOfTheConfiguration() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        try scene.connection.command("XADD", "unrelated", "*", "a", "b")
        let text = try await scene.run(["stream", "ls"])
        #expect(text.status == 0, "\(text.errors)")
        #expect(!text.output.isUnsafeForTerminals)
        #expect(!text.output.contains("unrelated"))
        let json = try await scene.run(["stream", "ls", "--json"])
        #expect(!json.output.isUnsafeForTerminals)
        let streams = try json.output.lines.map { try decode(Stream.self, $0) }
        #expect(streams.first { $0.stream == Self.hostile }?.lag == 2)
        #expect(streams.first { $0.stream == "md:ohlcv" }?.exists == false)
        let named = try await scene.run(["stream", "ls", "unrel*", "--json"])
        #expect(try decode(Stream.self, named.output).length == 1)
    }

    @Test func pagesGoOnWhereTheyEnded() async throws {
        let scene = try await CommandScene()
        for number in 0..<5 { try scene.connection.command("XADD", "s\(number)", "*", "a", "b") }
        var names: [String] = []
        var cursor: [String] = []
        repeat {
            let page = try await scene.run(["stream", "ls", "s*", "--limit", "2", "--json"] + cursor)
            names += try page.output.lines.map { try decode(Stream.self, $0).stream }
            cursor =
                page.errors.firstRange(of: "--cursor ").map { range in
                    ["--cursor", page.errors[range.upperBound...].trimmingCharacters(in: .newlines)]
                } ?? []
        } while !cursor.isEmpty && names.count < 10
        #expect(names == ["s0", "s1", "s2", "s3", "s4"])
    }

    @Test func aNameThatIsNotUTF8HasItsBytes() async throws {
        let scene = try await CommandScene()
        try scene.connection.command("XADD", .bytes([0x73, 0xFF]), "*", "a", "b")
        let json = try await scene.run(["stream", "ls", "s*", "--json"])
        let stream = try decode(Stream.self, json.output)
        #expect(stream.streamHex == "73ff")
        #expect(stream.stream == "s\\xFF")
    }

    @Test func inspectShowsGroupsAndNewestEntries() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        try scene.connection.command(
            "XADD", "md:trades", "*", "long", .text(String(repeating: "x", count: 5000)), "raw", .bytes([0xFF]))
        let json = try await scene.run(["stream", "inspect", "md:trades", "--entries", "2", "--json"])
        let facts = try decode(Inspection.self, json.output)
        #expect(facts.stream.length == 6)
        #expect(facts.groups.map(\.name) == ["millrace"])
        #expect(facts.groups.first?.lag == 3)
        #expect(facts.newest.count == 2)
        #expect(facts.newest.first?.fields.map(\.cut) == [true, false])
        #expect(facts.newest.first?.fields.last?.value == "\\xFF")
        let hostile = try await scene.run(["stream", "inspect", Self.hostile])
        #expect(hostile.status == 0, "\(hostile.errors)")
        #expect(!hostile.output.isUnsafeForTerminals)
    }

    @Test func inspectNamesWhatIsNotThere() async throws {
        let scene = try await CommandScene()
        try scene.connection.command("SET", "text", "1")
        let missing = try await scene.run(["stream", "inspect", "\u{1B}[31mnone"])
        #expect(missing.status == 1)
        #expect(missing.errors.contains("there is no stream"))
        #expect(!missing.errors.isUnsafeForTerminals)
        let text = try await scene.run(["stream", "inspect", "text"])
        #expect(text.status == 1)
        #expect(text.errors.contains("text: not a stream"))
    }

    @Test func listsPendingEntriesInPages() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        let text = try await scene.run(["pending", "ls"])
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.lines.count == 7)
        #expect(!text.output.isUnsafeForTerminals)
        let all = try await scene.run(["pending", "ls", "--json"]).output.lines.map { try decode(Pending.self, $0) }
        #expect(all.map(\.stream) == Array(repeating: "md:trades", count: 3) + Array(repeating: Self.hostile, count: 3))
        #expect(Set(all.map(\.consumer)) == ["evil\u{1B}[2J"])
        let first = try await scene.run(["pending", "ls", "--limit", "4"])
        let cursor = try #require(first.errors.split(separator: " ").last).trimmingCharacters(in: .newlines)
        let rest = try await scene.run(["pending", "ls", "--cursor", cursor, "--json"])
        #expect(try rest.output.lines.map { try decode(Pending.self, $0).id } == all.suffix(2).map(\.id))
    }

    @Test func pendingEntriesAreFiltered() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        let stream = try await scene.run(["pending", "ls", "--stream", "md:trades", "--json"])
        #expect(stream.output.lines.count == 3)
        #expect(try await scene.run(["pending", "ls", "--consumer", "nobody"]).output == "nothing is pending\n")
        #expect(try await scene.run(["pending", "ls", "--idle", "1h", "--json"]).output.isEmpty)
    }

    @Test func statsWorkWithoutTheDatabase() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        let json = try await scene.run(["stats", "--json"])
        #expect(json.status == 0, "\(json.errors)")
        let stats = try decode(Stats.self, json.output)
        #expect(stats.totals.streams == 2)
        #expect(stats.totals.pending == 6)
        #expect(stats.totals.lag == 4)
        #expect(stats.totals.stored == nil)
        #expect(!stats.database.answers)
        let trades = try #require(stats.streams.first { $0.stream == "md:trades" })
        #expect(trades.consumers == 1, "markers are not consumers")
        #expect(try #require(trades.oldestPending) < 600)
        let text = try await scene.run(["stats"])
        #expect(text.output.contains("total (2)"))
        #expect(!text.output.isUnsafeForTerminals)
        #expect(text.errors.contains("are not known: cannot reach PostgreSQL at postgresql://nobody@127.0.0.1:1/none"))
    }

    @Test func statsCountWhatIsStoredAndDead() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        let database = try await TestServices.shared.migratedDatabase()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try connection.execute(Self.ledger, deadline: .now + .seconds(120))
        let json = try await scene.run(["stats", "--json"], database: database)
        #expect(json.status == 0, "\(json.errors)")
        let stats = try decode(Stats.self, json.output)
        let trades = try #require(stats.streams.first { $0.stream == "md:trades" })
        #expect(trades.stored == 42)
        #expect(trades.open == 1)
        #expect(stats.totals.stored == 42)
        #expect(stats.database.answers)
    }

    private static let ledger = """
        INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
        VALUES ('default', 0, 'md:trades', 'millrace', gen_random_uuid()),
               ('default', 0, 'md:trades', 'other', gen_random_uuid());
        INSERT INTO ingest.ledger (source_no, ids, kind, n)
        SELECT source_no, ingest.sidrange(lpad('1', 32, '0')::uuid, lpad('2', 32, '0')::uuid, '[]'), 'B', 42
          FROM ingest.source;
        INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, fingerprint)
        SELECT source_no, lpad('1', 32, '0')::uuid, 'md:trades', '', 0, 'not_a_number', 'x', 'f'
          FROM ingest.source WHERE grp = 'millrace';
        """

    @Test func nothingEverCallsKeys() async throws {
        let scene = try await CommandScene()
        try fill(scene)
        for arguments in [["stream", "ls", "*"], ["stream", "ls"], ["pending", "ls"], ["stats"]] {
            #expect(try await scene.run(arguments).status == 0)
        }
        let calls = try scene.connection.command("INFO", "commandstats").text ?? ""
        #expect(calls.contains("cmdstat_scan"))
        #expect(!calls.contains("cmdstat_keys"))
    }
}
