import Foundation
import Glibc
import IngestTesting
import LocalServices
import RedisWire
import Testing

struct GenerateCommandTests {
    private func lines(_ arguments: [String]) async throws -> [UInt8] {
        let result = try await MillraceProcess.run(["generate"] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.isEmpty)
        return result.outputBytes
    }

    @Test(arguments: ["trades", "ticker", "orderbook", "ohlcv", "all"])
    func theSeedDecides(kind: String) async throws {
        let arguments = [kind, "--count", "200", "--garbage", "20", "--symbols", "3"]
        let first = try await lines(arguments + ["--seed", "7"])
        #expect(first == (try await lines(arguments + ["--seed", "7"])))
        #expect(first != (try await lines(arguments + ["--seed", "8"])))
    }

    @Test func linesAreObjectsOfTexts() async throws {
        let output = try await lines(["trades", "--count", "50"])
        let lines = String(decoding: output, as: UTF8.self).lines
        #expect(lines.count == 50)
        for line in lines { #expect(try decode([String: String].self, line)["price"] != nil) }
    }

    @Test func whatItPrintsCanBePublished() async throws {
        let scene = try await CommandScene()
        let text = String(decoding: try await lines(["all", "--count", "300"]), as: UTF8.self)
        let result = try await scene.run(["publish", "--json"], input: text)
        #expect(result.status == 0, "\(result.errors)")
        var total: Int64 = 0
        for stream in ["md:trades", "md:ticker", "md:orderbook", "md:ohlcv", "md:positions", "md:orders"] {
            total += try scene.length(stream) ?? 0
        }
        #expect(total == 300)
    }

    @Test func publishesTheSameAsItPrints() async throws {
        let scene = try await CommandScene()
        let arguments = ["generate", "trades", "--count", "700", "--seed", "3", "--start", "2025-01-01T00:00:00Z"]
        #expect(try await scene.run(arguments + ["--publish"]).status == 0)
        let published = try scene.entries("md:trades").map(\.fields)
        let printed = try await scene.run(arguments)
        try scene.connection.command("DEL", "md:trades")
        #expect(try await scene.run(["publish", "trades"], input: printed.output).status == 0)
        #expect(try scene.entries("md:trades").map(\.fields) == published)
    }

    @Test func goesToTheStreamThatIsNamed() async throws {
        let scene = try await CommandScene()
        let result = try await scene.run([
            "generate", "all", "--count", "50", "--publish", "--stream", "one", "--garbage", "30", "--json",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try scene.length("one") == 50)
    }

    private struct Published: Decodable {
        var seconds: Double
    }

    /// The publisher's own clock holds in every run. A busy machine delays the first entry, or many together: that the
    /// entries are spread, one run in five has to show.
    @Test func theRateIsHeldEvenly() async throws {
        let scene = try await CommandScene()
        var isSpread = false
        var seen: [String] = []
        while !isSpread, seen.count < 5 {
            let stream = "run-\(seen.count)"
            let result = try await scene.run([
                "generate", "trades", "--count", "1000", "--rate", "1000", "--publish", "--stream", stream, "--json",
            ])
            #expect(result.status == 0, "\(result.errors)")
            let seconds = try decode(Published.self, result.output).seconds
            #expect(seconds >= 0.999)
            let times = try scene.entries(stream).compactMap { Int($0.id.prefix { $0 != "-" }) }
            let (first, last) = (try #require(times.first), try #require(times.last))
            let atFirst = times.count { $0 - first < 100 }
            isSpread = last - first >= 900 && atFirst < 400
            seen.append("\(times.count) entries in \(last - first) ms, \(atFirst) in the first tenth")
        }
        #expect(isSpread, "\(seen)")
    }

    @Test func endlessWorkEndsWithASignal() async throws {
        let scene = try await CommandScene()
        let process = try MillraceProcess(
            ["generate", "trades", "--count", "0", "--rate", "500", "--publish", "--json"],
            environment: ["MILLRACE_REDIS_URL": scene.redis.url])
        let end = ContinuousClock.now + .seconds(30)
        while try scene.length("md:trades") ?? 0 < 20, .now < end { try await Task.sleep(for: .milliseconds(5)) }
        process.send(SIGINT)
        let result = try await process.wait(limit: .seconds(30))
        #expect(result.status == 0)
        #expect(result.output.contains("\"entries\":\(try scene.length("md:trades") ?? 0)"))
    }
}
