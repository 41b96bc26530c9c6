import Foundation
import IngestTesting
import PostgresWire
import Testing

extension EndToEnd {
    /// All entries recorded from twenty exchanges, compared to the last digit with what PostgreSQL reads in the files.
    @Suite(.enabled(if: RecordedOracle.folder != nil, "no recorded data beside the checkout"))
    struct RecordedDataTests {
        @Test func everyRecordedEntryIsStoredToTheLastDigitAndResendsAddOnlyWhatHasNoIdentity() async throws {
            let scene = try await Scene()
            try await shell(RecordedOracle.loadCommand(databaseURL: scene.databaseURL))
            try scene.execute(RecordedOracle.schema)
            try #require(try scene.count("oracle.line") == RecordedOracle.entries)

            try await publish(scene)
            try await scene.drain()
            try expectTables(scene, RecordedOracle.counts)
            for comparison in RecordedOracle.comparisons { try expectSame(comparison, scene) }
            #expect(try scene.letterCount() == 0)
            #expect(try scene.covered() == RecordedOracle.entries)
            #expect(try scene.pendingCount() == 0)

            // The same files again, under new ids.
            let candles = try candleDigest(scene)
            try await publish(scene)
            try await scene.drain()
            var counts = RecordedOracle.counts
            counts["market_data_trades", default: 0] += Self.tradesWithoutID
            counts["market_data_ticker", default: 0] *= 2
            counts["market_data_orderbook", default: 0] *= 2
            try expectTables(scene, counts)
            #expect(try candleDigest(scene) == candles, "a resend changes no candle")
            #expect(try scene.letterCount() == 0)
            #expect(try scene.covered() == 2 * RecordedOracle.entries)
            #expect(try scene.pendingCount() == 0)
            await scene.stop()
        }

        /// Counted from the files: trades whose `id` is `None`.
        private static let tradesWithoutID = 10_025

        private func publish(_ scene: Scene) async throws {
            let files = try RecordedOracle.files().flatMap { ["--file", $0.path] }
            let result = try await scene.millrace(["publish", "--format", "entries"] + files)
            try #require(result.status == 0, "publish: \(result.errors)")
        }

        private func expectTables(_ scene: Scene, _ counts: [String: Int]) throws {
            for (table, count) in counts { #expect(try scene.count(table) == count, "\(table)") }
        }

        private func expectSame(
            _ comparison: (what: String, expected: String, stored: String), _ scene: Scene
        ) throws {
            let difference = """
                SELECT (SELECT ROW(e.*)::text FROM (\(comparison.expected)) AS e) AS expected,
                       (SELECT ROW(s.*)::text FROM (\(comparison.stored)) AS s) AS stored
                """
            let row = try scene.rows(difference)[0]
            #expect(
                try Self.figures(row.requiredText("stored")) == Self.figures(row.requiredText("expected")),
                "\(comparison.what)")
        }

        /// The columns' figures without zeros behind the last digit: `numeric` remembers how many there were.
        private static func figures(_ row: String) -> [String] {
            row.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false).map { figure in
                guard figure.contains(".") else { return String(figure) }
                let digits = String(figure.reversed().drop { $0 == "0" }.reversed())
                return digits.hasSuffix(".") ? String(digits.dropLast()) : digits
            }
        }

        private func candleDigest(_ scene: Scene) throws -> String {
            try scene.rows(
                """
                SELECT md5(string_agg(ROW(exchange, symbol, time, timeframe, open, high, low, close, volume,
                                          trades_count)::text, ';' ORDER BY exchange, symbol, time, timeframe)) AS digest
                  FROM market_data_ohlcv
                """)[0].requiredText("digest")
        }

        private func shell(_ script: String) async throws {
            let status = try await onThread {
                let process = Process()
                process.executableURL = URL(filePath: "/bin/bash")
                process.arguments = ["-c", script]
                try process.run()
                process.waitUntilExit()
                return process.terminationStatus
            }
            try #require(status == 0, "loading the files into the oracle")
        }
    }
}
