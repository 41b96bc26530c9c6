import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import Records
import Testing

/// Which letters a command takes, and what it asks before it changes them.
struct LetterChoiceTests {
    // MARK: Edits

    @Test func editingSeveralLettersAtOnceIsAskedFor() async throws {
        let letters = try await LetterScene(3)
        let words = ["dlq", "replay", "--all", "--set", "a=c", "--unset", "z"]
        let refused = try await letters.run(words, status: 2)
        #expect(refused.errors.contains("this edits 3 dead letters: it sets a, takes away z"), "\(refused.errors)")
        #expect(refused.errors.contains("--force"))
        // The letters lack what the table wants, so that trying them ends with 3.
        try await letters.run(words + ["--dry-run"], status: 3)
        #expect(try letters.count("edited_payload IS NOT NULL OR attempts > 0") == 0)
        try await letters.run(["dlq", "replay", "--id", "1-0", "--set", "a=c"], status: 3)
        #expect(try letters.count("edited_payload IS NOT NULL") == 1, "a single letter goes on without")
        try await letters.run(words + ["--force"], status: 3)
        #expect(try letters.count("edited_payload IS NOT NULL") == 3)
    }

    @Test(arguments: [("y", 3), ("n", 0)]) func theAnswerCounts(_ answer: String, _ edited: Int) async throws {
        let letters = try await LetterScene(3)
        let conversation = try Conversation(
            ["dlq", "replay", "--all", "--set", "a=c"],
            ["MILLRACE_REDIS_URL": letters.scene.redis.url, "MILLRACE_POSTGRES_URL": letters.database])
        #expect(conversation.question().contains("this edits 3 dead letters: it sets a"))
        // What comes up while somebody thinks about it was not asked for.
        try letters.execute(
            """
            INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, fingerprint)
            SELECT source_no, gen_random_uuid(), stream, payload, payload_bytes, cause, reason, fingerprint
              FROM ingest.dead_letter LIMIT 1
            """)
        #expect(try conversation.answer(answer).status == (edited > 0 ? 3 : 1))
        #expect(try letters.count("edited_payload IS NOT NULL") == edited)
    }

    @Test func anEditIsTakenBack() async throws {
        let letters = try await LetterScene(1)
        try await letters.run(["dlq", "edit", "1-0", "--set", "a=corrected"])
        #expect(try await letters.run(["dlq", "export", "--all"]).output.contains("corrected"))
        try await letters.run(["dlq", "edit", "1-0", "--reset", "--set", "a=c"], status: 2)
        let reset = try await letters.run(["dlq", "edit", "1-0", "--reset"])
        #expect(reset.output.contains(":1-0 has its original fields"), "\(reset.output)")
        #expect(try letters.count("edited_payload IS NULL AND edited_by IS NULL AND edited_at IS NULL") == 1)
        #expect(try letters.count("edits = 2") == 1, "a replay that has it in hand notices")
        #expect(try await letters.run(["dlq", "export", "--all"]).output.contains(#"["a","b"]"#))
    }

    // MARK: Names

    @Test(arguments: [
        ["dlq", "replay"], ["dlq", "replay", "--dry-run"], ["dlq", "delete", "--force"],
        ["dlq", "delete", "--purge", "--force"], ["dlq", "export"], ["retry", "now"], ["retry", "cancel", "--force"],
    ]) func everyNameThatNoLetterHasIsNamed(_ words: [String]) async throws {
        let letters = try await LetterScene(2)
        try letters.execute("UPDATE ingest.dead_letter SET next_retry = '2100-01-01'")
        let result = try await letters.run(words + ["--id", "1-0", "9-0", "999:2-0"], status: 1)
        #expect(result.errors.contains(": 9-0, 999:2-0"), "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(try letters.count("state = 'o' AND attempts = 0 AND next_retry = '2100-01-01'") == 2)
    }

    @Test func whatIsDoneAlreadyIsNoMistake() async throws {
        let letters = try await LetterScene(1)
        for _ in 0..<2 { try await letters.run(["dlq", "delete", "--force", "--id", "1-0"]) }
        try await letters.run(["retry", "cancel", "--force", "--id", "1-0"])
        try await letters.run(["dlq", "replay", "--id", "1-0"])
        // What was asked for cannot be done.
        let export = try await letters.run(["dlq", "export", "--id", "1-0"], status: 1)
        #expect(export.errors.contains("no such open dead letter: 1-0"), "\(export.errors)")
        try await letters.run(["retry", "now", "--id", "1-0"], status: 1)
    }

    @Test func causesAreThoseThatThereAre() async throws {
        let letters = try await LetterScene(1)
        let wrong = try await letters.run(["dlq", "ls", "--cause", "not_a_numbr"], status: 2)
        #expect(wrong.errors.contains("did you mean not_a_number?"), "\(wrong.errors)")
        let strange = try await letters.run(["dlq", "delete", "--force", "--cause", "xyz"], status: 2)
        #expect(strange.errors.contains("row_suppressed"), "\(strange.errors)")
        let all = Rejection.Reason.allCases.flatMap { ["--cause", $0.rawValue] }
        #expect(try await letters.run(["dlq", "ls", "--json"] + all).output.lines.count == 1)
    }

    @Test func noScheduledLetterIsNotNoLetter() async throws {
        let letters = try await LetterScene(1)
        #expect(try await letters.run(["retry", "ls"]).output == "no dead letter is scheduled\n")
    }

    // MARK: Fields

    /// Gives all letters the one field `a`.
    private func setField(_ value: String, in letters: LetterScene) throws {
        let fields = "*2\r\n$1\r\na\r\n$\(value.utf8.count)\r\n\(value)\r\n"
        let digits = fields.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        try letters.execute(
            "UPDATE ingest.dead_letter SET payload = '\\x\(digits.joined())', payload_bytes = \(fields.utf8.count)")
    }

    @Test func anExportIsHarmlessAndLosesNothing() async throws {
        let letters = try await LetterScene(1)
        let value = "\u{1B}[2J\u{9B}31m\u{202E}x\u{7F}\u{200B}\u{E0001}\"\\é日"
        try setField(value, in: letters)
        let export = try await letters.run(["dlq", "export", "--all"])
        #expect(!export.output.isUnsafeForTerminals)
        for scalar in value.unicodeScalars where scalar.properties.generalCategory == .format {
            #expect(!export.output.unicodeScalars.contains(scalar), "U+\(String(scalar.value, radix: 16))")
        }
        let published = try await letters.scene.run(["publish", "--format", "entries"], input: export.output)
        #expect(published.status == 0, "\(published.errors)")
        #expect(try letters.scene.entries("md:trades").map(\.fields) == [["a=\(value)"]])
    }

    @Test func anExportThatLeavesLettersOutIsNoSuccess() async throws {
        let letters = try await LetterScene(3)
        try letters.execute(
            "UPDATE ingest.dead_letter SET by_reference = true, payload = '' WHERE ingest.stream_id(id) = '2-0'")
        let export = try await letters.run(["dlq", "export", "--all"], status: 1)
        #expect(export.output.lines.count == 2)
        #expect(export.errors.contains("left out: 1 letters whose fields are in the stream only"), "\(export.errors)")
    }

    @Test func aValueThatIsCutSaysSo() async throws {
        let letters = try await LetterScene(1)
        try setField(String(repeating: "x", count: 5_000), in: letters)
        let shown = try await letters.run(["dlq", "inspect", "1-0"])
        #expect(shown.output.contains("xx… (5,000 bytes)\n"))
        #expect(shown.output.count < 5_000)
    }
}
