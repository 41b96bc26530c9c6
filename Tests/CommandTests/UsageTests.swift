import IngestTesting
import Testing

struct UsageTests {
    static let nowhere = ["MILLRACE_REDIS_URL": "redis://127.0.0.1:1", "MILLRACE_POSTGRES_URL": nowhereDatabase]
    static let nowhereDatabase = "postgresql://someone:hidden-word@127.0.0.1:1/none"

    @Test(arguments: [
        ["bogus"], ["publish", "trades", "--rate", "0"], ["publish", "--format", "csv"], ["generate", "oranges"],
        ["generate", "all", "--format", "ndjson"], ["migrate", "up", "--max-steps", "0"],
        ["pending", "ls", "--idle", "1"],
        ["stream", "ls", "--cursor", "zz"], ["config", "check", "--unknown"],
        ["publish", "trades", "--keep-ids", "--format", "csv"],
    ]) func wrongUseEndsWithTwo(arguments: [String]) async throws {
        let result = try await MillraceProcess.run(arguments)
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("Usage: millrace"))
    }

    @Test(arguments: [
        [], ["run"], ["publish"], ["generate"], ["migrate"], ["migrate", "up"], ["migrate", "down"],
        ["migrate", "status"],
        ["migrate", "validate"], ["migrate", "sql"], ["stream"], ["stream", "ls"], ["stream", "inspect"], ["pending"],
        ["pending", "ls"], ["stats"], ["config"], ["config", "check"], ["config", "show"], ["version"],
        ["db"], ["db", "maintain"], ["db", "lifecycle"], ["db", "lifecycle", "set"], ["db", "docs"],
        ["bench", "queries"],
    ]) func helpHasExamples(command: [String]) async throws {
        let result = try await MillraceProcess.run(command + ["--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("EXAMPLES"))
        #expect(result.output.contains("  millrace \(command.first ?? "")"))
        #expect(result.errors.isEmpty)
    }

    @Test(arguments: [
        ["publish", "trades", "--file", "/dev/null"], ["stream", "ls"], ["stream", "inspect", "x"], ["pending", "ls"],
        ["stats"], ["generate", "trades", "--publish"],
    ]) func unreachableRedisIsNamed(arguments: [String]) async throws {
        let result = try await MillraceProcess.run(arguments, environment: Self.nowhere)
        #expect(result.status == 1)
        #expect(result.errors.contains("redis://127.0.0.1:1"))
        #expect(result.errors.contains("fix: "))
        #expect(result.output.isEmpty)
    }

    @Test(arguments: ["up", "down", "status", "validate"])
    func unreachablePostgresIsNamedWithoutItsPassword(verb: String) async throws {
        let result = try await MillraceProcess.run(["migrate", verb], environment: Self.nowhere)
        #expect(result.status == 1)
        #expect(result.errors.contains("postgresql://someone@127.0.0.1:1/none"))
        #expect(!result.errors.contains("hidden-word"))
    }

    @Test(arguments: [["stats"], ["migrate", "up"], ["publish", "trades"], ["stream", "ls"], ["pending", "ls"]])
    func badConfigurationEndsWithSeventyEight(arguments: [String]) async throws {
        let result = try await MillraceProcess.run(arguments + ["-s", "lanes=0", "-s", "batching.row=1"])
        #expect(result.status == 78)
        #expect(result.errors.contains("lanes"))
        #expect(result.errors.contains("did you mean \"batching.rows\""))
    }

    @Test func aMissingConfigurationFileIsNamed() async throws {
        let result = try await MillraceProcess.run(["config", "show", "-c", "/nowhere/m.yaml"])
        #expect(result.status == 78)
        #expect(result.errors.contains("/nowhere/m.yaml does not exist"))
    }

    @Test func hostileArgumentsReachNoTerminal() async throws {
        let result = try await MillraceProcess.run(["stream", "ls", "-s", "\u{1B}[31mred\u{202E}=1"])
        #expect(result.status == 78)
        #expect(!result.errors.isUnsafeForTerminals)
    }

    @Test(arguments: [["version"], ["--version"]]) func saysWhichVersionItIs(arguments: [String]) async throws {
        let result = try await MillraceProcess.run(arguments)
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("millrace "))
    }
}
