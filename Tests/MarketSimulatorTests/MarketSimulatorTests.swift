import MarketSimulator
import Records
import Testing

@Suite struct MarketSimulatorTests {
    static let start: Int64 = 1_700_000_000_000_000

    private func entries(
        _ count: Int, seed: UInt64 = 7, kinds: [MarketKind] = MarketKind.allCases, rate: Int = 1000
    ) -> [SimulatedEntry] {
        var simulator = MarketSimulator(
            seed: seed, symbols: 5, kinds: kinds, startMicroseconds: Self.start, rate: rate)
        return (0..<count).map { _ in
            var entry = SimulatedEntry()
            simulator.next(into: &entry)
            return entry
        }
    }

    private func value(_ name: String, _ entry: SimulatedEntry) -> String? {
        entry.texts.first { $0.name == name }?.value
    }

    @Test func theSameSeedMakesTheSameEntries() {
        #expect(entries(500) == entries(500))
        #expect(entries(500) != entries(500, seed: 8))
    }

    @Test func aReusedEntryHoldsOnlyTheLast() {
        var simulator = MarketSimulator(
            seed: 7, symbols: 5, kinds: MarketKind.allCases, startMicroseconds: Self.start)
        var reused = SimulatedEntry()
        for fresh in entries(200) {
            simulator.next(into: &reused)
            #expect(reused == fresh)
        }
    }

    @Test func splitMixFollowsThePublishedSequence() {
        var random = SplitMix64(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }

    @Test func timesRiseAtTheRate() {
        let trades = entries(5000, kinds: [.trades], rate: 3)
        let times = trades.compactMap { value("time", $0).flatMap { Int64($0) } }
        #expect(times.count == 5000)
        #expect(times.first == Self.start)
        #expect(times[3] == Self.start + 1_000_000)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func tradeIdsAreUnique() {
        let ids = entries(5000, kinds: [.trades]).compactMap { value("trade_id", $0) }
        #expect(Set(ids).count == 5000)
    }

    @Test func pricesStayPositiveAndOnTheTick() {
        for entry in entries(5000, kinds: [.trades]) {
            let price = value("price", entry).flatMap { Double($0) }
            #expect(price.map { $0 > 0 } == true)
            #expect(value("price", entry)?.contains(".") == true)
        }
    }

    @Test func candlesHoldTheirClose() throws {
        for entry in entries(2000, kinds: [.ohlcv]) {
            let low = try #require(value("low", entry).flatMap { Double($0) })
            let high = try #require(value("high", entry).flatMap { Double($0) })
            let close = try #require(value("close", entry).flatMap { Double($0) })
            let open = try #require(value("open", entry).flatMap { Double($0) })
            #expect(low <= min(open, close) && max(open, close) <= high)
            #expect(value("time", entry).flatMap { Int64($0) }.map { $0 % 60_000_000 } == 0)
        }
    }

    @Test func everyKindComesOnItsOwnStream() {
        let all = entries(1000)
        #expect(Set(all.map(\.stream)) == Set(MarketKind.allCases.map(\.stream)))
        let trades = all.count { $0.stream == MarketKind.trades.stream }
        #expect(400..<600 ~= trades)
    }

    @Test func booksAreBestFirst() throws {
        for entry in entries(200, kinds: [.orderbook]) {
            let bids = try #require(value("bids", entry))
            let prices = bids.split(separator: "[").compactMap { $0.split(separator: "\"").first }.compactMap {
                Double($0)
            }
            #expect(prices.count == 10)
            #expect(prices == prices.sorted(by: >))
        }
    }

    @Test func namesAndValuesCanBeReadAsBytes() {
        let entry = SimulatedEntry(stream: StreamKey("s"), fields: [([1, 2], []), ([], [3])])
        #expect(entry.pairCount == 2)
        #expect(entry.byteCount == 3)
        #expect(entry.name(0).count == 2 && entry.value(0).isEmpty)
        #expect(entry.name(1).isEmpty && entry.value(1)[0] == 3)
    }
}

@Suite struct GarbageCorpusTests {
    private let cases = GarbageCorpus.cases(seed: 3, timeMicroseconds: 1_700_000_000_000_000)

    @Test func theSeedDecidesOrderAndContent() {
        let again = GarbageCorpus.cases(seed: 3, timeMicroseconds: 1_700_000_000_000_000)
        #expect(cases.map(\.entry) == again.map(\.entry))
        let other = GarbageCorpus.cases(seed: 4, timeMicroseconds: 1_700_000_000_000_000)
        #expect(cases.map(\.name) != other.map(\.name))
        #expect(Set(cases.map(\.name)) == Set(other.map(\.name)))
    }

    @Test func itHoldsWhatTheIssueNames() {
        let reasons = Set(cases.map(\.reason))
        #expect(reasons.isSuperset(of: [.notANumber, .missingField, .tooLarge, .invalidUTF8, .nulByte, .timeWindow]))
        #expect(cases.contains { $0.entry.byteCount > 2 << 20 })
        #expect(Set(cases.map(\.name)).count == cases.count)
    }
}
