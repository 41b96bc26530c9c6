import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import Testing

/// Dead letters made by the thousand, and looks at what became of them.
extension Scene {
    /// Letters of tickers, a table without any key: a letter that is stored twice is two rows. Their fields are well
    /// by now, as after a cause was fixed; every `badEvery`th still has a price that is no number.
    func makeLetters(_ count: Int, badEvery: Int = .max) throws {
        try execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
              VALUES ('default', 0, 'md:ticker', 'millrace', gen_random_uuid());
            INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, table_name,
                                            column_name, field, fingerprint)
            SELECT s.source_no, (lpad(to_hex(1735689600000 + n), 16, '0') || repeat('0', 16))::uuid, 'md:ticker',
                   fields, length(fields), 'not_a_number', 'not_a_number: field "bid_price" -> market_data_ticker.bid_price',
                   'market_data_ticker', 'bid_price', 'bid_price', '00000000000000aa'
              FROM ingest.source s, generate_series(1, \(count)) AS n,
                   LATERAL (SELECT CASE WHEN n % \(badEvery) = 0 THEN 'x' ELSE n::text END AS price) AS p,
                   LATERAL (SELECT convert_to(
                     E'*8\\r\\n$4\\r\\ntime\\r\\n$13\\r\\n1735689600.25\\r\\n$8\\r\\nexchange\\r\\n$1\\r\\nX\\r\\n'
                     || E'$6\\r\\nsymbol\\r\\n$2\\r\\nS1\\r\\n$9\\r\\nbid_price\\r\\n$' || length(price) || E'\\r\\n'
                     || price || E'\\r\\n', 'UTF8') AS fields) AS f
            """)
    }

    /// Letters in a state.
    func letters(_ state: String) throws -> Int { try count("ingest.dead_letter WHERE state = '\(state)'") }

    /// Every ticker is there once.
    func expectTickersOnce(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try self.count("market_data_ticker") == count, sourceLocation: sourceLocation)
        #expect(
            try number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == count,
            sourceLocation: sourceLocation)
    }

    /// `dlq …` or `retry …`, which ends with this status.
    @discardableResult
    func letterCommand(
        _ words: [String], status: Int32 = 0, settings: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> MillraceProcess.Result {
        let result = try await millrace(words, settings: settings)
        #expect(result.status == status, "\(words): \(result.errors)", sourceLocation: sourceLocation)
        return result
    }

    /// A replay that goes on beside the test.
    func startReplay(_ words: [String] = ["--all"]) throws -> MillraceProcess {
        try MillraceProcess(
            ["dlq", "replay"] + words + ["-s", "redis.url=\(redis.url)", "-s", "postgres.url=\(databaseURL)"])
    }
}
