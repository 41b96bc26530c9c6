import Foundation
import IngestTesting
import Testing

struct ConfigCommandTests {
    private struct Verdict: Decodable {
        struct Problem: Decodable {
            var key: String
            var place: String
        }

        var valid: Bool
        var problems: [Problem]
    }

    private struct Shown: Decodable {
        struct Key: Decodable {
            var value: String?
            var origin: String
        }

        var keys: [String: Key]
    }

    let files = TestFolder()

    @Test func theBuiltInConfigurationIsValid() async throws {
        let result = try await MillraceProcess.run(["config", "check"])
        #expect(result.status == 0)
        #expect(result.output == "built-in millrace.yaml: the configuration is valid\n")
    }

    @Test func allProblemsComeAtOnce() async throws {
        let file = try files.write("bad.yaml", "lanes: none\nbatching:\n  row: 1\nlog: { level: loud }\n")
        let text = try await MillraceProcess.run(["config", "check", "-c", file.path])
        #expect(text.status == 78)
        #expect(text.errors.contains("bad.yaml:1:8: lanes"))
        #expect(text.errors.contains("3 problems"))
        let json = try await MillraceProcess.run(["config", "check", "--json", "-c", file.path])
        #expect(json.status == 78)
        let verdict = try decode(Verdict.self, json.output)
        #expect(!verdict.valid)
        #expect(verdict.problems.map(\.key).sorted() == ["batching.row", "lanes", "log.level"])
    }

    @Test func showsWhereValuesComeFromAndNoSecret() async throws {
        let file = try files.write("m.yaml", "redis:\n  url: redis://:hidden-one@127.0.0.1:6379\n")
        let environment = ["MILLRACE_POSTGRES_PASSWORD": "hidden-two", "MILLRACE_CONFIG": file.path]
        let arguments = ["config", "show", "-s", "lanes=7"]
        let json = try await MillraceProcess.run(arguments + ["--json"], environment: environment)
        #expect(json.status == 0)
        let keys = try decode(Shown.self, json.output).keys
        #expect(keys["lanes"]?.value == "7")
        #expect(keys["lanes"]?.origin == "flag -s lanes")
        #expect(keys["redis.url"]?.origin == "\(file.path):2:8")
        #expect(keys["postgres.password"]?.origin == "environment MILLRACE_POSTGRES_PASSWORD")
        #expect(keys["claim.after"]?.origin == "default")
        let text = try await MillraceProcess.run(arguments, environment: environment)
        for output in [json.output, text.output] {
            #expect(!output.contains("hidden-"))
            #expect(output.contains("<redacted>"))
        }
    }

    @Test func whatItShowsCanBeReadBack() async throws {
        let shown = try await MillraceProcess.run(["config", "show", "-s", "batching.rows=123"])
        let file = try files.write("again.yaml", shown.output)
        let again = try await MillraceProcess.run(["config", "show", "--json", "-c", file.path])
        #expect(again.status == 0, "\(again.errors)")
        #expect(try decode(Shown.self, again.output).keys["batching.rows"]?.value == "123")
        let first = try await MillraceProcess.run(["config", "show", "--json"])
        #expect(Self.streams(first.output) == Self.streams(again.output))
    }

    /// Long values, `${` that is meant so, and a file whose name is more than a comment holds.
    @Test func nothingIsLostOnTheWay() async throws {
        let keys = (0..<40).map { "\"stream-\($0)-$${not}-a-variable\"" }.joined(separator: ", ")
        let file = try files.write(
            "odd\nlanes: 3\u{9B}.yaml",
            """
            http: { allowed_hosts: ["a.example", "b.example"] }
            streams:
              long:
                keys: [\(keys)]
                table: some_table
                columns:
                  a: a

            """)
        let shown = try await MillraceProcess.run(["config", "show", "-c", file.path])
        #expect(shown.status == 0, "\(shown.errors)")
        #expect(!shown.output.isUnsafeForTerminals)
        let again = try await MillraceProcess.run(
            ["config", "show", "--json", "-c", try files.write("again.yaml", shown.output).path])
        #expect(again.status == 0, "\(again.errors)")
        #expect(again.output.contains("stream-39-${not}-a-variable"))
        let first = try await MillraceProcess.run(["config", "show", "--json", "-c", file.path])
        #expect(Self.streams(first.output) == Self.streams(again.output))
        let lanes = try decode(Shown.self, first.output).keys["lanes"]
        #expect(lanes?.origin == "default", "the file's name is no line of it")
        #expect(try decode(Shown.self, again.output).keys["lanes"]?.value == lanes?.value)
    }

    @Test func secretsAreCommentsAndNotOtherSecrets() async throws {
        let environment = ["MILLRACE_POSTGRES_PASSWORD": "hidden", "MILLRACE_REDIS_URL": "redis://:hidden@127.0.0.1:1"]
        let shown = try await MillraceProcess.run(["config", "show"], environment: environment)
        #expect(shown.output.contains("\n  # password: \"<redacted>\"  # environment MILLRACE_POSTGRES_PASSWORD\n"))
        #expect(shown.output.contains("\n  # url: \"redis://:<redacted>@127.0.0.1:1\""))
        let again = try await MillraceProcess.run(
            ["config", "show", "--json", "-c", try files.write("again.yaml", shown.output).path])
        let keys = try decode(Shown.self, again.output).keys
        #expect(keys["postgres.password"]?.value == nil)
        #expect(keys["redis.url"]?.origin.contains("again.yaml") == false)
    }

    private static func streams(_ json: String) -> Substring? {
        json.firstRange(of: "\"streams\"").map { json[$0.lowerBound...] }
    }

    @Test func findsTheFileOfTheFolder() async throws {
        _ = try files.write("millrace.yaml", "lanes: 5\n")
        let result = try await MillraceProcess.run(["config", "show", "--json"], directory: files.url)
        #expect(try decode(Shown.self, result.output).keys["lanes"]?.origin == "millrace.yaml:1:8")
    }
}
