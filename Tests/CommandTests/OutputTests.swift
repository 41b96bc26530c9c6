import IngestTesting
import Testing

/// Output that cannot be written.
struct OutputTests {
    @Test(arguments: [
        ["version"], ["--help"], ["config", "show"], ["config", "check", "--json"],
        ["generate", "trades", "--count", "1"],
    ]) func aFullDiskIsNoSuccess(_ words: [String]) async throws {
        let process = try MillraceProcess(words, launcher: ["/bin/sh", "-c", #"exec "$@" > /dev/full"#, "sh"])
        let result = try await process.wait()
        #expect(result.status == 1)
        #expect(result.errors == "error: standard output: No space left on device\n")
    }
}
