import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import Testing

struct LetterCommandTests {
    @Test func pagesOfLargeLettersHoldEveryLetterOnce() async throws {
        let letters = try await LetterScene(7)
        try letters.execute("UPDATE ingest.dead_letter SET payload_bytes = 5000000")
        let export = try await letters.run(["dlq", "export", "--all"])
        #expect(export.output.lines.count == 7)
        #expect(Set(export.output.lines).count == 7)
        let shown = try await letters.run(["dlq", "inspect", "--json"] + (1...7).map { "\($0)-0" })
        #expect(Set(shown.output.lines).count == 7)
    }
}
