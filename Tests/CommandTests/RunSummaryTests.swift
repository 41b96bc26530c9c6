import Foundation
import IngestTesting
import RedisWire
import Testing

/// What `run --drain` says at its end.
struct RunSummaryTests {
    private struct Summary: Decodable, Equatable {
        var drained: Bool
        var entries: Int
        var rows: Int
        var duplicates: Int
        var already: Int
        var letters: [String: Int]
        var open: Int?
        var scheduled: Int?
        var backlog: Int?

        enum CodingKeys: String, CodingKey {
            case drained, entries, rows, duplicates
            case already = "stored_already"
            case letters = "dead_letters"
            case open = "dead_letters_open"
            case scheduled = "retries_scheduled"
            case backlog = "mirror_backlog"
        }
    }

    private func run(_ scene: CommandScene, _ database: String, _ words: [String] = []) async throws -> Summary {
        let result = try await scene.run(
            ["run", "--drain", "--json", "--timeout", "60s", "-s", "http.enabled=false"] + words, database: database)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.lines.count == 1, "\(result.output)")
        return try decode(Summary.self, result.output)
    }

    private func fill(_ scene: CommandScene, prices: [String]) throws {
        for price in prices {
            try scene.connection.command(
                "XADD", "md:ticker", "*", "time", "1735689600", "exchange", "X", "symbol", "S", "bid_price",
                .text(price))
        }
    }

    @Test func aDrainSaysWhatItDid() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        try fill(scene, prices: ["1", "2", "wrong", "3", "bad"])
        let first = try await run(scene, database)
        #expect(first.drained)
        #expect(first.entries == 5)
        #expect(first.rows == 3)
        #expect(first.duplicates == 0)
        #expect(first.letters == ["not_a_number": 2])
        #expect(first.open == 2)
        #expect(first.scheduled == 0)
        #expect(try #require(first.backlog) <= 2)

        let second = try await run(scene, database, ["-s", "dead_letter.mirror_max=0"])
        #expect(second.entries == 0)
        #expect(second.rows == 0)
        #expect(second.letters.isEmpty, "of this run alone")
        #expect(second.open == 2)
        #expect(second.backlog == nil, "there is no mirror")
    }

    @Test func aDrainSaysItInWordsAndTellsOfLetters() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        try fill(scene, prices: ["1", "wrong"])
        let result = try await scene.run(
            ["run", "--drain", "--timeout", "60s", "-s", "http.enabled=false"], database: database)
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.output.lines
        #expect(lines.first == "committed 2 entries: 1 rows, 0 duplicates, 1 dead letters")
        #expect(lines.contains("dead letters of this run: not_a_number 1"), "\(result.output)")
        #expect(lines.last?.hasPrefix("open dead letters: 1, to be retried: 0; not yet in the") == true)
        let told = result.errors.lines.filter { $0.contains("entries became dead letters") }
        #expect(told.count == 1, "\(result.errors)")
        #expect(told.first?.contains("not_a_number 1") == true)
    }

    @Test func whatADrainThatFailsDidIsSaidToo() async throws {
        let scene = try await CommandScene()
        let database = try await TestServices.shared.migratedDatabase()
        try fill(scene, prices: ["1"])
        #expect(try await scene.run(["stream", "pause", "md:ticker"]).status == 0)
        let result = try await scene.run(
            ["run", "--drain", "--json", "--timeout", "60s", "-s", "http.enabled=false"], database: database)
        #expect(result.status == 1, "\(result.errors)")
        let summary = try decode(Summary.self, result.output)
        #expect(!summary.drained)
        #expect(summary.entries == 0)
    }

    @Test func onlyADrainHasASummary() async throws {
        let scene = try await CommandScene()
        let result = try await scene.run(["run", "--json"])
        #expect(result.status == 2)
        #expect(result.errors.contains("--json goes with --drain"))
    }
}
