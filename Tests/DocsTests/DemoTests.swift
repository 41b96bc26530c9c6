import Foundation
import IngestTesting
import RecordFiles
import Testing

@testable import millrace

struct DemoTests {
    private struct Facts: Decodable {
        struct Table: Decodable {
            var name: String
            var entries: Int
            var rows: Int
            var expected: Int
        }

        var ok: Bool
        var lost: Int
        var twice: Int
        var garbage: Int
        var published: Int
        var tables: [Table]
    }

    @Test func theDemoEndsWithFiguresThatAreRight() async throws {
        let result = try await MillraceProcess.run(
            ["demo", "--json", "--count", "20000", "--rate", "4000", "--backlog", "5000"], limit: .seconds(300))
        #expect(result.status == 0, "\(result.errors)")
        let facts = try JSONDecoder().decode(Facts.self, from: Data(result.output.utf8))
        #expect(facts.ok && facts.lost == 0 && facts.twice == 0)
        #expect(facts.garbage > 20)
        #expect(facts.tables.allSatisfy { $0.rows == $0.expected && $0.rows > 0 })
        #expect(facts.published == facts.garbage + facts.tables.reduce(0) { $0 + $1.entries })
        for line in ["kill -9 of worker", "PostgreSQL stopped as a crash would", "pieces of garbage", "drained"] {
            #expect(result.errors.contains(line))
        }
    }

    /// The figures that the demo compares the tables with, beside those counted by hand.
    @Test(.enabled(if: RecordedFiles.find() != nil)) func expectationsAreThoseCountedByHand() throws {
        var expected = ExpectedRows()
        for path in RecordedFiles.find()?.paths ?? [] {
            let reader = try RecordFileReader(path: path, format: .entries)
            while let record = try reader.next() {
                guard let stream = record.stream, let table = ExpectedRows.table(of: stream) else { continue }
                expected.add(table) { name in
                    let field = record.fields.first { $0.name == Array(name.utf8) }
                    return field.map { String(decoding: $0.value, as: UTF8.self) }
                }
            }
        }
        #expect(expected.entries == 74_682)
        #expect(
            expected.tables.mapValues(\.rows) == [
                "market_data_trades": 13_217, "market_data_ohlcv": 12_058, "market_data_ticker": 5_960,
                "market_data_orderbook": 31_245,
            ])
    }

    @Test func aWrongFigureIsNotRight() {
        var report = DemoReport(
            source: "simulated", tier: "plain",
            tables: [.init(name: "market_data_trades", entries: 3, rows: 2, expected: 2)],
            ledger: .init(entries: 4, written: 2, duplicates: 1, letters: 1, batches: 1), garbage: ["nul_byte": 1],
            deadLetters: ["nul_byte": 1], pending: 0, steady: .init(rate: 1, entries: 1, p50: 1, p99: 1),
            speed: .init(entries: 1, seconds: 1), elapsed: .seconds(1))
        #expect(report.isRight)
        report.tables[0].rows = 1
        #expect(report.lost == 1 && !report.isRight)
        report.tables[0].rows = 3
        #expect(report.twice == 1 && !report.isRight)
        report.tables[0].rows = 2
        report.deadLetters = ["nul_byte": 1, "refused": 1]
        #expect(!report.isRight)
        report.deadLetters = ["nul_byte": 1]
        report.ledger.entries = 3
        #expect(report.lost == 1 && !report.isRight)
    }
}
