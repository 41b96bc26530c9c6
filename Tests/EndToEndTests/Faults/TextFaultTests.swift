import IngestTesting
import PostgresWire
import Testing

extension EndToEnd {
    /// Texts that mean something to other formats, and times of clocks that are wrong.
    @Suite(.tags(.fault)) struct TextFaultTests {
        static let texts = [
            "a\tb", "a\nb", "a\r\nb", "\\.", "\\N", "a\\b", "\u{FEFF}bom", "שלום", "\u{202E}rtl", "𝔘🙂",
            "'; DROP TABLE x --",
            "\"quoted\"", "NULL", "", " ",
        ]

        @Test func textsAreStoredByteForByte() async throws {
            let scene = try await Scene()
            try scene.add(Self.texts.enumerated().map { RawEntry.trade($1, price: "\($0 + 1)") })
            try await scene.drain()
            let rows = try scene.rows("SELECT coalesce(trade_id, '') AS t FROM market_data_trades ORDER BY price")
            #expect(try rows.map { Array(try $0.requiredText("t").utf8) } == Self.texts.map { Array($0.utf8) })
            #expect(try scene.letterCount() == 0 && scene.covered() == Self.texts.count)
            await scene.stop()
        }

        /// Inside the window a wrong clock makes a chunk like any other, outside a letter.
        @Test func timesOfWrongClocksAreRowsOrLetters() async throws {
            let scene = try await Scene()
            let times = ["1735689600", "1735776000", "1735603200", "0", "9214646400", "1735689600000000000000", "-1"]
            try scene.add(
                times.enumerated().map { RawEntry.trade("t\($0)").replacing("time", with: Array($1.utf8)) })
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 3)
            #expect(try scene.letterCount() == 4)
            #expect(try scene.count("ingest.dead_letter WHERE cause = 'time_window'") >= 2)
            #expect(try scene.covered() == times.count)
            await scene.stop()
        }
    }
}
