import Foundation
import IngestTesting
import PostgresWire
import Testing

struct BatchCommandTests {
    private struct Batch: Decodable {
        struct Range: Decodable {
            var entries: Int
        }

        var ranges: [Range]
        var hasMoreRanges: Bool

        private enum CodingKeys: String, CodingKey {
            case ranges
            case hasMoreRanges = "more_ranges"
        }
    }

    private static let batch = "5f0c2a94-8d7e-4c1b-9a34-0d6f1f6a7b21"

    @Test func rangesThatAreNotShownAreTold() async throws {
        let database = try await TestServices.shared.migratedDatabase()
        let connection = try PostgresConnection.connect(to: PostgresEndpoint(database), applicationName: "test")
        try connection.execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
              VALUES ('default', 0, 'md:trades', 'millrace', gen_random_uuid());
            INSERT INTO ingest.batch (batch, worker, lane, tables, rows, duplicates, letters, bytes, sealed_by)
              VALUES ('\(Self.batch)', 'w', 0, '{market_data_trades}', 10001, 0, 0, 0, 'rows');
            INSERT INTO ingest.batch_range (source_no, lo, hi, n, batch)
            SELECT s.source_no, id, id, 1, '\(Self.batch)'::uuid FROM ingest.source s, generate_series(1, 10001) AS number,
                   LATERAL (SELECT lpad(to_hex(number), 32, '0')::uuid AS id) AS entry
            """, deadline: .now + .seconds(30))
        func inspect(_ words: [String] = []) async throws -> String {
            let result = try await MillraceProcess.run(
                ["batch", "inspect", Self.batch] + words, environment: ["MILLRACE_POSTGRES_URL": database])
            #expect(result.status == 0, "\(result.errors)")
            return result.output
        }
        let cut = try decode(Batch.self, try await inspect(["--json"]))
        #expect(cut.ranges.count == 10_000 && cut.hasMoreRanges)
        #expect(try await inspect().contains("more than 10,000 ranges"))

        try connection.execute(
            "DELETE FROM ingest.batch_range WHERE lo = lpad('1', 32, '0')::uuid", deadline: .now + .seconds(30))
        let whole = try decode(Batch.self, try await inspect(["--json"]))
        #expect(whole.ranges.count == 10_000 && !whole.hasMoreRanges)
    }
}
