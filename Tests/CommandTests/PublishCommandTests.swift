import Foundation
import IngestTesting
import RedisWire
import Testing

struct PublishCommandTests {
    private struct Summary: Decodable {
        var entries: Int
        var streams: Int
        var seconds: Double
    }

    @Test func ndjsonGoesToTheStreamOfItsKind() async throws {
        let scene = try await CommandScene()
        let input = "{\"price\": 1.50, \"symbol\": \"A\"}\n\n{\"price\":\"2\",\"symbol\":\"B\"}\n"
        let result = try await scene.run(["publish", "trades", "--json"], input: input)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.isEmpty, "piped output has no progress")
        let summary = try decode(Summary.self, result.output)
        #expect(summary.entries == 2)
        #expect(summary.streams == 1)
        #expect(
            try scene.entries("md:trades").map(\.fields) == [["price=1.50", "symbol=A"], ["price=2", "symbol=B"]])
    }

    @Test func csvHasAHeader() async throws {
        let scene = try await CommandScene()
        let file = try scene.files.write("t.csv", "price,symbol\n1.5,\"A,B\"\n2,\n")
        let result = try await scene.run(["publish", "some:stream", "--file", file.path])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("published 2 entries to 1 stream in "))
        #expect(try scene.entries("some:stream").map(\.fields) == [["price=1.5", "symbol=A,B"], ["price=2"]])
    }

    static let recorded = """
        {"stream":"trades-X","id":"5-1","fields":[["price","1"],["price","2"]]}
        {"stream":"book-X","id":"6-0","fields":[["book","{\\"bid\\":{}}"]]}

        """

    @Test func recordedEntriesGoToTheirStreams() async throws {
        let scene = try await CommandScene()
        let gzip = try await scene.files.writeGzip("a.ndjson", Self.recorded)
        let plain = try scene.files.write("b.ndjson", Self.recorded)
        let result = try await scene.run([
            "publish", "--format", "entries", "--file", gzip.path, "--file", plain.path, "--json",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try decode(Summary.self, result.output).entries == 4)
        let trades = try scene.entries("trades-X")
        #expect(trades.map(\.fields) == [["price=1", "price=2"], ["price=1", "price=2"]])
        #expect(!trades.contains { $0.id == "5-1" }, "Redis makes new ids")
        #expect(try scene.entries("book-X").first?.fields == ["book={\"bid\":{}}"])
    }

    @Test func idsAreKeptOnDemandAndOnlyOnce() async throws {
        let scene = try await CommandScene()
        let file = try scene.files.write("a.ndjson", Self.recorded)
        let first = try await scene.run(["publish", "--keep-ids", "--file", file.path])
        #expect(first.status == 0, "\(first.errors)")
        #expect(try scene.entries("trades-X").map(\.id) == ["5-1"])
        let again = try await scene.run(["publish", "--keep-ids", "--file", file.path])
        #expect(again.status == 1)
        #expect(again.errors.contains("stream trades-X"))
        #expect(again.errors.contains("--keep-ids"))
    }

    @Test func aBrokenLineIsNamedAndWhatCameBeforeIsCounted() async throws {
        let scene = try await CommandScene()
        let file = try scene.files.write("bad.ndjson", "{\"a\":1}\n{\"a\":}\n")
        let result = try await scene.run(["publish", "s", "--file", file.path])
        #expect(result.status == 1)
        #expect(result.errors.contains("bad.ndjson:2"))
        #expect(result.errors.contains("after 1 entries"))
        #expect(try scene.length("s") == 1)
    }

    @Test func aMissingFilePublishesNothing() async throws {
        let scene = try await CommandScene()
        let file = try scene.files.write("good.ndjson", "{\"a\":1}\n")
        let result = try await scene.run(["publish", "s", "--file", file.path, "--file", "/nowhere.ndjson"])
        #expect(result.status == 1)
        #expect(result.errors.contains("/nowhere.ndjson: No such file"))
        #expect(try scene.length("s") == 0)
    }

    @Test func aKeyThatIsNoStreamIsNamed() async throws {
        let scene = try await CommandScene()
        try scene.connection.command("SET", "s", "1")
        let result = try await scene.run(["publish", "s"], input: "{\"a\":1}\n")
        #expect(result.status == 1)
        #expect(result.errors.contains("the key s is not a stream"))
    }

    @Test func countAndRateHold() async throws {
        let scene = try await CommandScene()
        let lines = String(repeating: "{\"a\":1}\n", count: 500)
        let result = try await scene.run(["publish", "s", "--rate", "200", "--count", "100", "--json"], input: lines)
        let summary = try decode(Summary.self, result.output)
        #expect(summary.entries == 100)
        #expect(summary.seconds >= 0.495)
        #expect(try scene.length("s") == 100)
        #expect(result.errors.isEmpty)
    }

    @Test func moreEntriesThanOnePipelineKeepTheirOrder() async throws {
        let scene = try await CommandScene()
        let lines = (0..<2500).map { "{\"n\":\($0)}\n" }.joined()
        #expect(try await scene.run(["publish", "s"], input: lines).status == 0)
        #expect(try scene.entries("s").map(\.fields) == (0..<2500).map { ["n=\($0)"] })
    }
}
