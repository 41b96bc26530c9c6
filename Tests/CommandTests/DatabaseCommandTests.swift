import IngestTesting
import LocalServices
import PostgresWire
import Testing

@Suite struct DatabaseCommandTests {
    private func migrated(plain: Bool = false) async throws -> String {
        let services = TestServices.shared
        let postgres = try await plain ? services.plainPostgres() : services.postgres()
        let url = postgres.url(database: try await services.freshDatabase(on: postgres))
        let up = try await run(url, ["migrate", "up"])
        try #require(up.status == 0, "\(up.errors)")
        return url
    }

    private func run(_ url: String, _ arguments: [String]) async throws -> MillraceProcess.Result {
        try await MillraceProcess.run(arguments, environment: ["MILLRACE_POSTGRES_URL": url])
    }

    /// The day of the database, by which chunks are made.
    private func today(_ url: String) throws -> String {
        try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test").query(
            "SELECT (now() AT TIME ZONE 'UTC')::date::text AS today", deadline: .now + .seconds(30))[0].text("today")
            ?? ""
    }

    @Test func lifecycleIsSeededWithTheNumbersOfTheDocumentAndCanBeChanged() async throws {
        let url = try await migrated()
        let shown = try await run(url, ["db", "lifecycle", "show"])
        #expect(shown.output.contains("drop_after"))
        #expect(shown.output.contains("1 year"))
        #expect(shown.output.contains("30 days"))
        let set = try await run(
            url, ["db", "lifecycle", "set", "market_data_trades", "drop_after=2 years", "compress_after=never"])
        #expect(set.status == 0, "\(set.errors)")
        let lines = try await run(url, ["db", "lifecycle", "show", "--json"]).output.split(separator: "\n")
        let trades = try #require(lines.first { $0.contains("market_data_trades") })
        #expect(trades.contains(#""drop_after":"2 years""#))
        #expect(!trades.contains("compress_after"))
    }

    @Test(arguments: [
        ["market_data_trades", "drop_after=soon"], ["market_data_trades", "drop_after=1 day"],
        ["market_data_trades", "no_such_key=1"], ["market_data_trades", "hot_for=never"],
        ["market_data_trades", "drop_after"],
    ])
    func valuesThatCannotBeAreRefused(_ words: [String]) async throws {
        let url = try await migrated(plain: true)
        let result = try await run(url, ["db", "lifecycle", "set"] + words)
        #expect(result.status == 2, "\(result.errors)")
    }

    @Test func aShorterLifeOfDataThatIsThereWantsForce() async throws {
        let url = try await migrated(plain: true)
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test")
        _ = try connection.query(
            "SELECT ingest.make_chunks('public.market_data_trades', ARRAY[now() - interval '200 days'])",
            deadline: .now + .seconds(30))
        let change = ["db", "lifecycle", "set", "market_data_trades", "drop_after=90 days"]
        let asked = try await run(url, change)
        #expect(asked.status == 2)
        #expect(asked.errors.contains("may drop 1 chunks"))
        #expect(try await run(url, ["db", "lifecycle", "show"]).output.contains("90 days") == false)
        #expect(try await run(url, change + ["--force"]).status == 0)
        // The partition was made a moment ago: by the last write it is young.
        let plan = try await run(url, ["db", "maintain", "--dry-run", "--json"])
        #expect(plan.status == 0)
        #expect(!plan.output.contains(#""step":"drop""#))
    }

    @Test func nobodyWaitsForTheAnswerToAQuestion() async throws {
        let url = try await migrated(plain: true)
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test")
        func chunk(_ days: Int) throws {
            let sql = "SELECT ingest.make_chunks('public.market_data_trades', ARRAY[now() - interval '\(days) days'])"
            _ = try connection.query(sql, deadline: .now + .seconds(30))
        }
        func ask() throws -> Conversation {
            let conversation = try Conversation(
                ["db", "lifecycle", "set", "market_data_trades", "drop_after=90days"], ["MILLRACE_POSTGRES_URL": url])
            #expect(conversation.question().contains("may drop"))
            return conversation
        }
        try chunk(200)
        let first = try ask()
        _ = try connection.query(
            "SELECT 1 FROM ingest.lifecycle FOR UPDATE NOWAIT", deadline: .now + .seconds(30))
        try chunk(300)
        let outdated = try first.answer("y")
        #expect(outdated.status == 1)
        #expect(outdated.output.contains("would drop 2 chunks of market_data_trades, not 1"), "\(outdated.output)")
        #expect(try await run(url, ["db", "lifecycle", "show"]).output.contains("90 days") == false)
        #expect(try ask().answer("y").status == 0)
        #expect(try await run(url, ["db", "lifecycle", "show"]).output.contains("90 days"))
    }

    @Test(arguments: [false, true])
    func maintainMakesWhatIsMissingAndHasNothingToDoThen(plain: Bool) async throws {
        let url = try await migrated(plain: plain)
        let first = try await run(url, ["db", "maintain", "--json"])
        #expect(first.status == 0, "\(first.errors)")
        let before = try today(url)
        var second = try await run(url, ["db", "maintain", "--json"])
        // A new day wants a new chunk, once.
        if try today(url) != before { second = try await run(url, ["db", "maintain", "--json"]) }
        #expect(second.status == 0)
        #expect(second.output.isEmpty, "\(second.output)")
    }

    @Test func driftIsFoundAndNamedWithExitCode3() async throws {
        let url = try await migrated()
        #expect(try await run(url, ["migrate", "validate"]).status == 0)
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test")
        try connection.execute(
            "ALTER TABLE market_data_ticker DROP COLUMN volume_24h CASCADE", deadline: .now + .seconds(30))
        let result = try await run(url, ["migrate", "validate"])
        #expect(result.status == 3)
        #expect(result.output.contains("column public.market_data_ticker.volume_24h is missing"))
    }

    @Test func statusSaysWhatTheTierLacks() async throws {
        let status = try await run(try await migrated(plain: true), ["migrate", "status"])
        #expect(status.output.contains("no hypertables"))
        #expect(status.output.contains("no compression"))
    }
}
