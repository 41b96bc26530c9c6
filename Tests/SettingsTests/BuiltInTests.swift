import RecordCodec
import Testing

@testable import Settings

@Suite struct BuiltInTests {
    static let machine = Machine(hostName: "worker-1", processorCount: 4)

    @Test func theBuiltInConfigurationLoadsAlone() throws {
        let loaded = try Settings.load(SettingsInput(machine: Self.machine))
        #expect(
            loaded.settings.streams.map(\.name) == [
                "trades", "ticker", "orderbook", "ohlcv", "cryptofeed_trades", "cryptofeed_ticker",
                "cryptofeed_book.snapshot", "cryptofeed_book.delta", "cryptofeed_candles", "positions", "orders",
            ])
        var expected = Settings(machine: Self.machine)
        expected.streams = loaded.settings.streams
        #expect(loaded.settings == expected)
        #expect(loaded.warnings.isEmpty)
    }

    @Test func lanesAreTwoOnOneProcessor() {
        #expect(Settings(machine: Machine(hostName: "a", processorCount: 1)).lanes == 2)
        #expect(Settings(machine: Self.machine).lanes == 4)
    }

    @Test func snapshotsAndDeltasAreToldApartByTheirField() throws {
        let streams = try Settings.load(SettingsInput(machine: Self.machine)).settings.streams
        let snapshot = try #require(streams.first { $0.name == "cryptofeed_book.snapshot" })
        #expect(snapshot.condition == .present("book"))
        #expect(snapshot.keys == ["book-*"])
        #expect(snapshot.table == "market_data_orderbook")
        let bids = try #require(snapshot.columns.first { $0.column == "bids" })
        #expect(bids == ColumnMapping(column: "bids", source: .fields(["book"]), path: [.key("bid")], format: .book))
    }
}
