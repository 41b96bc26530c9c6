import Foundation
import IngestTesting
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    struct ExplainTests {
        private struct Answer: Decodable {
            var fate: String
            var batch: String?
            var table: String?
            var rejection: String?
            var rowIsThere: Bool?

            private enum CodingKeys: String, CodingKey {
                case fate, batch, table, rejection
                case rowIsThere = "row_is_there"
            }
        }

        private func explain(_ scene: Scene, _ id: String, stream: String = "md:trades") async throws -> Answer {
            let result = try await scene.letterCommand(["explain", "--stream", stream, "--id", id, "--json"])
            return try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
        }

        @Test func everyEntryIsExplained() async throws {
            let scene = try await Scene()
            let ids = try scene.add([.trade("good"), RawEntry.trade("bad", price: "x"), .trade("trimmed")])
            try await scene.drain()
            try scene.command("XDEL", "md:trades", .text(ids[2]))
            let late = try scene.add([.trade("late")])[0]

            let good = try await explain(scene, ids[0])
            #expect(good.fate == "stored")
            #expect(good.table == "market_data_trades")
            #expect(good.rowIsThere == true)
            let bad = try await explain(scene, ids[1])
            #expect(bad.fate == "letter_open")
            #expect(bad.rejection?.hasPrefix("not_a_number") == true)
            #expect(try await explain(scene, ids[2]).fate == "covered")
            let waiting = try await explain(scene, late)
            #expect(waiting.fate == "waiting")
            #expect(waiting.rowIsThere == false)
            #expect(try await explain(scene, "1-0").fate == "gone")
            #expect(try await explain(scene, "1-0", stream: "nowhere").fate == "unknown")

            // Looking changed nothing; people get the same story.
            #expect(try scene.count("market_data_trades") == 2)
            let told = try await scene.letterCommand(["explain", "--stream", "md:trades", "--id", ids[0]])
            #expect(told.output.contains("price <- price"))
            await scene.stop()
        }

        @Test func aBatchIsListedAndProven() async throws {
            let scene = try await Scene()
            let ids = try scene.add([.trade("one"), RawEntry.trade("bad", price: "x")])
            try await scene.drain()
            let listed = try await scene.letterCommand(["batch", "ls"])
            #expect(listed.output.contains("market_data_trades"))
            let batch = try #require(try await explain(scene, ids[0]).batch)
            let shown = try await scene.letterCommand(["batch", "inspect", batch])
            #expect(shown.output.contains(ids[0]))
            let proofs = shown.output.split(separator: "\n").filter { $0.hasPrefix("  SELECT") }
            #expect(proofs.count == 2)
            for proof in proofs { #expect(try scene.rows(String(proof).replacing(";", with: "")).count == 1) }
            try await scene.letterCommand(["batch", "inspect", "00000000-0000-0000-0000-000000000000"], status: 1)
            await scene.stop()
        }
    }
}
