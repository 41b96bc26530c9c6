import Foundation
import IngestTesting
import Testing

@testable import millrace

/// Plans, not times: the machine of the tests is busy. `MILLRACE_PROVE=1` asks for the times as well.
@Suite(.serialized) struct BenchQueriesTests {
    private struct Line: Decodable {
        struct Plan: Decodable {
            var nodes: [String: Int]
            var relations: Int
            var relationsRead: Int
            var wholeReads: Int
        }

        var query: String
        var p99Ms: Double
        var rows: Int
        var plan: Plan
    }

    private static let isProof = ProcessInfo.processInfo.environment["MILLRACE_PROVE"] == "1"

    @Test(arguments: [[], ["--plain"]])
    func theFiveQueriesReachTheirRowsThroughIndexes(_ tier: [String]) async throws {
        let rows = Self.isProof ? 10_000_000 : 1_000_000
        let result = try await MillraceProcess.run(
            ["bench", "queries", "--json", "--rows", "\(rows)", "--rounds", Self.isProof ? "200" : "5"] + tier,
            limit: .seconds(Self.isProof ? 3_600 : 240))
        try #require(result.status == 0, "\(result.errors)")
        let lines = try result.output.split(separator: "\n").map {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Line.self, from: Data($0.utf8))
        }
        #expect(lines.map(\.query) == CommonQuery.allCases.map(\.rawValue))
        for line in lines {
            // A chunk of a few rows may well be read whole; all of them may not.
            #expect(line.plan.wholeReads <= line.plan.relations / 10, "\(line.query): \(line.plan.nodes)")
            #expect(line.rows > 0)
            if Self.isProof { #expect(line.p99Ms < 100, "\(line.query)") }
        }
        let byName = Dictionary(uniqueKeysWithValues: lines.map { ($0.query, $0.plan) })
        // 30 of 40 days touch 31 chunks, or 30 at midnight: the rest is excluded.
        let candles = try #require(byName["candles"])
        #expect((30...31).contains(candles.relations), "\(candles)")
        // One entry of each chunk's index, then the rows themselves.
        let ticker = try #require(byName["latest_ticker"])
        #expect(ticker.nodes["Index Only Scan"] ?? 0 >= 40, "\(ticker)")
        // Soon after midnight the newest chunk has a few rows only.
        #expect(ticker.wholeReads <= 1, "\(ticker)")
        let trades = try #require(byName["last_trades"])
        #expect(trades.relationsRead < trades.relations, "the newest chunks answer: \(trades)")
        let book = try #require(byName["nearest_book"])
        // Both ways the chunk of that time, and its neighbour when the pair has no row in the rest of it.
        #expect(book.relationsRead <= 4, "\(book)")
    }

    @Test func aPlanIsToldByWhatWasRun() {
        let plan = PlanSummary(lines: [
            "Limit (actual rows=1 loops=1)", "  ->  Custom Scan (ChunkAppend) on h (actual rows=1 loops=1)",
            "        ->  Index Scan using i on a (actual rows=1 loops=1)", "              Index Cond: (x = 1)",
            "        ->  Seq Scan on b (never executed)", "        ->  Parallel Seq Scan on c (actual rows=1 loops=1)",
            "Planning Time: 1.0 ms",
        ])
        #expect(plan.relations == 3)
        #expect(plan.relationsRead == 2)
        #expect(plan.wholeReads == 1)
        #expect(plan.nodes == ["Limit": 1, "Custom Scan (ChunkAppend)": 1, "Index Scan": 1, "Parallel Seq Scan": 1])
    }
}
