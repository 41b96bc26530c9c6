import Foundation
import Records
import Testing

@testable import RecordCodec

struct RecordedDataTests {
    @Test(.enabled(if: RecordedData.isPresent, "the recorded data is not beside the checkout"))
    func everyRecordedEntryBecomesARow() throws {
        let plans = try MarketMappings.plans()
        var encoders: [String: StreamEncoder] = [:]
        var batches: [String: TableRows] = [:]
        for (channel, plan) in plans {
            encoders[channel] = try StreamEncoder(plans: [plan])
            batches[channel] = TableRows(for: plan)
        }
        var rows: [String: Int] = [:]
        var rejected: [RejectedEntry] = []
        for file in RecordedData.files(in: try #require(RecordedData.folder)) {
            for run in streamRuns(try RecordedData.lines(of: file)) {
                let channel = String(run[0].stream.prefix { $0 != "-" })
                let batch = try #require(batches[channel])
                let block = RecordedData.block(run)
                var next = 0
                while next < block.count {
                    next =
                        encoders[channel]?.encode(
                            next..<block.count, of: block, stream: StreamKey(run[0].stream),
                            now: 1_800_000_000_000_000, into: [batch], rejected: &rejected) ?? block.count
                    rows[channel, default: 0] += batch.rowCount
                    batch.finish()
                    batch.begin()
                }
            }
        }
        #expect(rejected.isEmpty, "\(rejected.prefix(5).map(\.rejection.description))")
        #expect(rows == ["trades": 19_247, "ticker": 5_960, "candles": 18_230, "book": 31_245])
    }

    /// Neighbouring entries of the same stream.
    private func streamRuns(_ lines: [RecordedData.Line]) -> [[RecordedData.Line]] {
        var runs: [[RecordedData.Line]] = []
        var start = 0
        for index in 1...lines.count where index == lines.count || lines[index].stream != lines[start].stream {
            runs.append(Array(lines[start..<index]))
            start = index
        }
        return runs
    }

    /// Every digit of every price and size of a book arrives, in the order given.
    @Test(.enabled(if: RecordedData.isPresent, "the recorded data is not beside the checkout"))
    func aRecordedBookKeepsItsDigits() throws {
        let folder = try #require(RecordedData.folder)
        let plan = try #require(try MarketMappings.plans()["book"])
        var encoder = try StreamEncoder(plans: [plan])
        let lines = try RecordedData.lines(of: folder.appending(path: "HUOBI.ndjson.gz"))
            .filter { $0.stream.hasPrefix("book-") }.prefix(50)
        let column = try #require(plan.columns.firstIndex(of: "bids"))
        for line in lines {
            let batch = TableRows(for: plan)
            var rejected: [RejectedEntry] = []
            let block = RecordedData.block([line])
            _ = encoder.encode(
                0..<1, of: block, stream: StreamKey(line.stream), now: 1_800_000_000_000_000, into: [batch],
                rejected: &rejected)
            let stored = String(decoding: try #require(batch.fields.first?[column]).dropFirst(), as: UTF8.self)
            #expect(stored == levels(ofBidsIn: try #require(line.fields.first { $0[0] == "book" }?[1])))
        }
        #expect(!lines.isEmpty)
    }

    /// `{"bid":{"1":2,"3":4},…` -> `[["1","2"],["3","4"]]`, by cutting the text.
    private func levels(ofBidsIn book: String) -> String {
        let inside = book.dropFirst("{\"bid\":{".count).prefix { $0 != "}" }
        let levels = inside.split(separator: ",").map { level in
            let parts = level.split(separator: ":")
            return "[\(parts[0]),\"\(parts[1])\"]"
        }
        return "[" + levels.joined(separator: ",") + "]"
    }
}
