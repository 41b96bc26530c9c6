import Foundation
import MarketSimulator
import RecordCodec
import RecordFiles
import Records
import Testing

@testable import Settings

/// The built-in mappings, tried on real, simulated and broken entries.
@Suite struct BuiltInMappingTests {
    private static let now: Int64 = 1_700_000_000_000_000

    private func trial() throws -> MappingTrial {
        MappingTrial(try load().settings.streams)
    }

    private static func fields(_ entry: SimulatedEntry) -> [(name: [UInt8], value: [UInt8])] {
        (0..<entry.pairCount).map { pair in
            (
                entry.name(pair).withUnsafeBufferPointer { Array($0) },
                entry.value(pair).withUnsafeBufferPointer { Array($0) }
            )
        }
    }

    /// `shared/data/cryptofeed` beside the checkout, or beside one of the folders around it.
    private static let recordings: [URL] = {
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.pathComponents.count > 1 {
            folder = folder.deletingLastPathComponent()
            let data = folder.appending(path: "shared/data/cryptofeed")
            let files = try? FileManager.default.contentsOfDirectory(at: data, includingPropertiesForKeys: nil)
            if let files { return files.filter { $0.lastPathComponent.hasSuffix(".gz") } }
        }
        return []
    }()

    @Test(.enabled(if: !recordings.isEmpty, "no recorded data beside the checkout"))
    func everyRecordedEntryBecomesARow() throws {
        var trial = try trial()
        for file in Self.recordings {
            let reader = try RecordFileReader(path: file.path(), format: .entries)
            var byStream: [StreamKey: [[(name: [UInt8], value: [UInt8])]]] = [:]
            while let record = try reader.next() {
                let stream = try #require(record.stream)
                byStream[stream, default: []].append(record.fields.map { ($0.name, $0.value) })
            }
            for (stream, entries) in byStream { try trial.encode(entries, of: stream, now: Self.now) }
        }
        #expect(trial.rejections.isEmpty, "\(Set(trial.rejections.map(\.description)))")
        #expect(
            trial.rows == [
                "market_data_trades": 19_247, "market_data_ticker": 5960, "market_data_orderbook": 31_245,
                "market_data_ohlcv": 18_230,
            ])
    }

    @Test(arguments: MarketKind.allCases)
    func everySimulatedEntryBecomesARow(_ kind: MarketKind) throws {
        var trial = try trial()
        var simulator = MarketSimulator(seed: 1, symbols: 20, kinds: [kind], startMicroseconds: Self.now, rate: 1000)
        var entry = SimulatedEntry()
        let entries = (0..<1000).map { _ in
            simulator.next(into: &entry)
            return Self.fields(entry)
        }
        try trial.encode(entries, of: kind.stream, now: Self.now)
        #expect(trial.rejections.isEmpty, "\(Set(trial.rejections.map(\.description)))")
        #expect(trial.rows.values.max() == 1000)
    }

    @Test func garbageIsRejectedForTheReasonItWasMadeFor() throws {
        for garbage in GarbageCorpus.cases(seed: 1, timeMicroseconds: Self.now) {
            var trial = try trial()
            try trial.encode([Self.fields(garbage.entry)], of: garbage.entry.stream, now: Self.now)
            #expect(trial.rejections.map(\.reason) == [garbage.reason], "\(garbage.name)")
        }
    }

    @Test func onlyWhatTheTableNeedsMustBeThere() throws {
        let required = [
            "md:trades": ["time", "exchange", "symbol", "price", "amount", "side"],
            "md:ticker": ["time", "exchange", "symbol"],
            "md:orderbook": ["time", "exchange", "symbol", "bids", "asks"],
            "md:ohlcv": ["time", "exchange", "symbol", "timeframe", "open", "high", "low", "close", "volume"],
            "md:positions": ["exchange", "symbol", "side", "amount", "entry_price"],
            "md:orders": ["exchange_order_id", "exchange", "symbol", "type", "side", "amount", "status"],
        ]
        for (stream, names) in required {
            var trial = try trial()
            let fields = names.map { name -> (name: [UInt8], value: [UInt8]) in
                let value = ["time": "1700000000", "bids": "[]", "asks": "[]"][name] ?? "1"
                return (Array(name.utf8), Array(value.utf8))
            }
            try trial.encode([fields], of: StreamKey(stream), now: Self.now)
            #expect(trial.rejections.isEmpty, "\(stream)")
            for name in names {
                let without = fields.filter { $0.name != Array(name.utf8) }
                try trial.encode([without], of: StreamKey(stream), now: Self.now)
                #expect(trial.rejections.last?.reason == .missingField, "\(stream) without \(name)")
            }
        }
    }

    @Test func ordersOfADeltaAreNamedFirst() throws {
        var trial = try trial()
        let field = { (name: String, value: String) in (name: Array(name.utf8), value: Array(value.utf8)) }
        let head = [field("exchange", "X"), field("symbol", "A-B"), field("timestamp", "1700000000.5")]
        let entries = [
            head + [field("book", #"{"bid":{"1.5":{"order-1":2}},"ask":{}}"#)],
            head + [field("delta", #"{"bid":[["order-1",1.5,0]],"ask":[["order-2",1.6,3]]}"#)],
            head + [field("delta", #"{"bid":[],"ask":[[1.6,3]]}"#)],
        ]
        try trial.encode(entries, of: StreamKey("book-X-A-B"), now: Self.now)
        #expect(trial.rejections.isEmpty)
        #expect(trial.rows["market_data_orderbook"] == 3)
        try trial.encode([head], of: StreamKey("book-X-A-B"), now: Self.now)
        #expect(trial.rejections.map(\.reason) == [.noMapping])
    }
}
