import IngestTesting
import Testing

struct VersionTests {
    @Test(arguments: [["version"], ["--version"]]) func saysWhichVersionItIs(arguments: [String]) async throws {
        let result = try await MillraceProcess.run(arguments)
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("millrace "))
    }
}
