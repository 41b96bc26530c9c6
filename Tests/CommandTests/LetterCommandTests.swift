import Foundation
import Glibc
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

    @Test func aReplayThatEndsEarlySaysWhatItDid() async throws {
        // Minutes of work, so that its end is this one.
        let letters = try await LetterScene(8_000)
        let process = try letters.start(["dlq", "replay", "--all", "--rate", "40"])
        try await letters.wait(for: 30, "attempts > 0")
        // As when the server is restarted.
        try letters.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name LIKE 'millrace/replay%' AND datname = current_database()
            """)
        let result = try await process.wait()
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.output.contains(" still fail:\n"), "\(result.output)")
        #expect(result.errors.contains("the replay ended early"))
        #expect(result.errors.contains("when the cause is gone, run it again"))
    }

    @Test func everyLetterThatIsNotThereIsNamed() async throws {
        let letters = try await LetterScene(2)
        let result = try await letters.run(["dlq", "inspect", "1-0", "9-0", "999:2-0", "--json"], status: 1)
        #expect(result.output.lines.count == 1)
        #expect(result.errors.contains("no such dead letter: 9-0, 999:2-0"))
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

    @Test func changesGoPageByPage() async throws {
        let letters = try await LetterScene(5_001)
        try letters.execute("UPDATE ingest.dead_letter SET next_retry = now() + interval '1 hour'")
        let due = try await letters.run(["retry", "now", "--all"])
        #expect(due.output == "5,001 letters are due now\n")
        #expect(try letters.number("SELECT count(DISTINCT next_retry) FROM ingest.dead_letter") == 2)
        let cancelled = try await letters.run(["retry", "cancel", "--all", "--force", "--json"])
        #expect(cancelled.output == "{\"cancelled\":5001}\n")
        try await letters.run(["dlq", "delete", "--all", "--force"])
        #expect(try letters.number("SELECT count(DISTINCT closed_at) FROM ingest.dead_letter") == 2)
        let purged = try await letters.run(["dlq", "delete", "--all", "--purge", "--force"])
        #expect(purged.output == "removed 5,001 letters\n")
        #expect(try letters.count("true") == 0)
    }

    @Test func whatWasStoppedHalfWayGoesOnWithTheRest() async throws {
        let letters = try await LetterScene(12_000)
        // Somebody has a letter of the second page in hand.
        try letters.execute("BEGIN; SELECT 1 FROM ingest.dead_letter WHERE ingest.stream_id(id) = '7000-0' FOR UPDATE")
        let words = ["dlq", "delete", "--all", "--force"]
        let process = try letters.start(words)
        try await letters.wait(for: 5_000, "state = 'd'")
        #expect(try letters.count("state = 'd'") == 5_000, "the first page is done: \(process.tail())")
        try await letters.waitUntilTheCommandWaitsForALock()
        process.send(SIGTERM)
        try await waitUntilHandled(SIGTERM, by: process)
        try letters.execute("COMMIT")
        let stopped = try await process.wait()
        #expect(stopped.status == 1, "\(stopped.errors)")
        #expect(stopped.output == "discarded 10,000 letters\n")
        #expect(stopped.errors.contains("run it again"))
        #expect(try await letters.run(words).output == "discarded 2,000 letters\n")
    }

    /// The handler acts once: afterwards the signal is not caught any more. A minute at most.
    private func waitUntilHandled(_ signal: Int32, by process: MillraceProcess) async throws {
        let end = ContinuousClock.now + .seconds(60)
        func isCaught() throws -> Bool {
            let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
            let line = try #require(status.lines.first { $0.hasPrefix("SigCgt:\t") })
            let caught = try #require(UInt64(line.dropFirst(8), radix: 16))
            return caught & (1 << UInt64(signal - 1)) != 0
        }
        while try isCaught() {
            try #require(.now < end, "the signal arrives")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
