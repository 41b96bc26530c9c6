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

    @Test func groupsCountClosedLettersAndSayWhenThereAreMore() async throws {
        let letters = try await LetterScene(7)
        try letters.execute(
            """
            UPDATE ingest.dead_letter SET state = 'd' WHERE ingest.stream_id(id) IN ('1-0', '2-0');
            UPDATE ingest.dead_letter SET fingerprint = 'g' WHERE ingest.stream_id(id) = '7-0'
            """)
        let open = try await letters.run(["dlq", "groups"])
        #expect(open.output.lines.first?.contains("CLOSED") == false)
        #expect(open.errors.isEmpty)
        let all = try await letters.run(["dlq", "groups", "--closed", "--limit", "1"])
        let rows = all.output.lines.map { $0.split(separator: " ") }
        #expect(rows.first?.prefix(3) == ["GROUP", "OPEN", "CLOSED"])
        #expect(rows.last?.prefix(3) == ["f", "4", "2"])
        #expect(all.errors.contains("more: --limit 10"))
    }
}
