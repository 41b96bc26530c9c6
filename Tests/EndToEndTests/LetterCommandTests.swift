import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    struct LetterCommandTests {
        private struct Letter: Decodable {
            var source: Int
            var id: String
            var stream: String
            var cause: String
            var field: String?
            var column: String?
            var state: String
        }

        private func letters(_ scene: Scene, _ words: [String]) async throws -> ([Letter], cursor: String?) {
            let result = try await scene.letterCommand(["dlq", "ls", "--json"] + words)
            let letters = try result.output.split(separator: "\n").map {
                try JSONDecoder().decode(Letter.self, from: Data($0.utf8))
            }
            let cursor = result.errors.split(separator: "\n").first { $0.hasPrefix("more: --cursor ") }
            return (letters, cursor.map { String($0.dropFirst("more: --cursor ".count)) })
        }

        @Test func pagesHoldEveryLetterOnceTheNewestFirst() async throws {
            let scene = try await Scene()
            try scene.makeLetters(25)
            var found: [String] = []
            var cursor: String?
            repeat {
                let page = try await letters(scene, ["--limit", "10"] + (cursor.map { ["--cursor", $0] } ?? []))
                found += page.0.map(\.id)
                cursor = page.cursor
            } while cursor != nil
            #expect(found == (1...25).reversed().map { "\(1_735_689_600_000 + $0)-0" })
            await scene.stop()
        }

        @Test func selectionsNarrow() async throws {
            let scene = try await Scene()
            try scene.add([RawEntry.trade("a", price: "x"), RawEntry.trade("b").without("side")])
            try await scene.drain()
            func count(_ words: String...) async throws -> Int { try await letters(scene, words).0.count }
            #expect(try await count() == 2)
            #expect(try await count("--cause", "not_a_number") == 1)
            #expect(try await count("--cause", "not_a_number", "--cause", "missing_field") == 2)
            #expect(try await count("--table", "market_data_trades") == 2)
            #expect(try await count("--table", "public.nothing") == 0)
            #expect(try await count("--stream", "md:trades", "--since", "1h") == 2)
            #expect(try await count("--stream", "other") == 0)
            #expect(try await count("--until", "1h") == 0)
            #expect(try await count("--state", "replayed") == 0)
            let letter = try #require(try await letters(scene, ["--cause", "not_a_number"]).0.first)
            #expect(letter.field == "price")
            #expect(letter.column == "price")
            #expect(try await count("--id", letter.id) == 1)
            #expect(try await count("--id", "\(letter.source):\(letter.id)") == 1)
            #expect(try await count("--id", "\(letter.source + 1):\(letter.id)") == 0)
            let groups = try await scene.letterCommand(["dlq", "groups", "--json"])
            #expect(groups.output.split(separator: "\n").count == 2)
            await scene.stop()
        }

        @Test func anEditKeepsTheOriginalAndIsWhatIsReplayed() async throws {
            let scene = try await Scene()
            let ids = try scene.add([RawEntry.trade("edit-me", price: "12,5")])
            try await scene.drain()
            try await scene.letterCommand(["dlq", "edit", ids[0], "--set", "price=12.5", "--by", "maria"])
            let shown = try await scene.letterCommand(["dlq", "inspect", ids[0]])
            #expect(shown.output.contains("price = 12,5"))
            #expect(shown.output.contains("price = 12.5"))
            #expect(shown.output.contains("by maria"))
            #expect(shown.output.contains("market_data_trades.price"))
            try await scene.letterCommand(["dlq", "replay", "--id", ids[0]])
            #expect(try scene.count("market_data_trades WHERE price = 12.5") == 1)
            try await scene.letterCommand(["dlq", "edit", ids[0], "--set", "price=1"], status: 1)
            await scene.stop()
        }

        @Test func anExportCanBePublishedAgain() async throws {
            let scene = try await Scene()
            var odd = RawEntry.trade("odd", price: "x")
            odd.fields.append((Array("raw".utf8), [0xFF, 0x00, 0x22]))
            try scene.add([odd])
            try await scene.drain()
            let export = try await scene.letterCommand(["dlq", "export", "--all"])
            let file = FileManager.default.temporaryDirectory.appending(path: "export-\(UUID().uuidString)")
            try Data(export.output.utf8).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            try scene.command("DEL", "md:trades")
            let published = try await MillraceProcess.run(
                ["publish", "--file", file.path, "--format", "entries", "-s", "redis.url=\(scene.redis.url)"])
            #expect(published.status == 0, "\(published.errors)")
            let entries = try scene.command("XRANGE", "md:trades", "-", "+").array ?? []
            let fields = entries.first?.array?.last?.array ?? []
            #expect(fields.compactMap(\.bytes) == odd.fields.flatMap { [$0.name, $0.value] })
            await scene.stop()
        }

        @Test func deletingAsksAndKeepsTheRows() async throws {
            let scene = try await Scene()
            try scene.makeLetters(5)
            let refused = try await scene.letterCommand(["dlq", "delete", "--all"], status: 2)
            #expect(refused.errors.contains("5 open dead letters"))
            #expect(try scene.letters("o") == 5)
            try await scene.letterCommand(["dlq", "delete", "--all", "--force"])
            #expect(try scene.letters("d") == 5)
            #expect(try await scene.letterCommand(["dlq", "replay", "--all"]).output == "nothing to replay\n")
            // Rows are the owner's to remove; a worker's user is refused.
            let purge = ["dlq", "delete", "--all", "--purge", "--force"]
            try await scene.letterCommand(purge, status: 78)
            #expect(try scene.letterCount() == 5)
            let asOwner = try await scene.millrace(purge, settings: ["postgres.url": scene.databaseURL])
            #expect(asOwner.status == 0, "\(asOwner.errors)")
            #expect(try scene.letterCount() == 0)
            await scene.stop()
        }

        @Test func changingLettersWantsAChoice() async throws {
            let scene = try await Scene()
            for words in [["dlq", "replay"], ["dlq", "delete", "--force"], ["dlq", "export"], ["retry", "now"]] {
                try await scene.letterCommand(words, status: 2)
            }
            await scene.stop()
        }
    }
}
