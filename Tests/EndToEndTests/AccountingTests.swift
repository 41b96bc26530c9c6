import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// Whether everything is accounted for.
    struct AccountingTests {
        @Test func theBooksBalanceWhileWorkersAreKilled() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 3_000)
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(
                "w1", settings: ["lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            for number in 2...4 {
                let other = try scene.worker("w\(number)", settings: ["lanes": "2"])
                let before = try scene.covered()
                try await eventually("it works") { try scene.covered() > before + 2_000 }
                other.send(SIGKILL)
                let audit = try await scene.millrace(["audit", "--json"])
                #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
                let stats = try await scene.millrace(["stats", "--json"])
                #expect(stats.output.contains(#""lost":0"#), "\(stats.output)")
            }
            feeder.stop()
            try await feeder.finish()
            try await eventually(within: .seconds(40), "the audit comes to the end") {
                try scene.pendingCount() == 0
            }
            let metrics = try await HTTPProbe.get("/metrics", port: port) { reply in
                reply.series("millrace_stream_pending") == 0 && reply.series("millrace_stream_lag") == 0
            }
            #expect(metrics?.series("millrace_conservation_error") == 0)
            #expect(metrics?.series("millrace_stream_pending") == 0)
            #expect(metrics?.series("millrace_freshness_seconds") ?? 0 > 0)
            var stats = ""
            for _ in 0..<100 where !stats.contains("audited whole") {
                stats = try await scene.millrace(["stats"]).output
            }
            #expect(stats.contains("lost 0, audited whole"), "\(stats)")
            #expect(!worker.errorsSoFar.contains("not accounted for"), "\(worker.tail())")
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        /// After a restart of Redis no number proves that nothing is missing: only a look at what lies between the rows.
        @Test func theLedgerStaysSmallWhenRedisIsAnotherServerThanItWas() async throws {
            let scene = try await Scene()
            for number in 1...1_000 {
                try scene.add(
                    "md:ticker", id: "\(1_735_689_600_000 + number)-0",
                    ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "\(number)"])
            }
            try await scene.drain()
            // As many small batches leave it, one of them gone: its entry is acknowledged, and has no row.
            try scene.execute(
                """
                UPDATE ingest.source SET replication_id = repeat('0', 40);
                DELETE FROM ingest.ledger;
                INSERT INTO ingest.ledger (source_no, ids, kind, n)
                SELECT s.source_no, ingest.sidrange(one.id, one.id, '[]'), 'B', 1
                  FROM ingest.source s, generate_series(1, 1000) AS number,
                       LATERAL (SELECT (lpad(to_hex(1735689600000 + number), 16, '0') || repeat('0', 16))::uuid AS id) AS one
                 WHERE s.stream = 'md:ticker' AND number <> 700
                """)
            #expect(try scene.count("ingest.ledger") == 999)
            let worker = try scene.worker()
            try await eventually(within: .seconds(40), "the rows are two") { try scene.count("ingest.ledger") == 2 }
            #expect(try scene.covered() == 999)
            worker.send(SIGTERM)
            try await worker.wait()
            await scene.stop()
        }

        @Test func whatSomebodyAcknowledgedByHandIsFoundInTheBackground() async throws {
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await scene.drain()
            let redis = try scene.onRedis()
            for number in 0..<10 {
                let id = try scene.add(
                    "md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "\(number)"])
                try redis.command("XREADGROUP", "GROUP", "millrace", "hand", "STREAMS", "md:ticker", ">")
                if number < 3 { try redis.command("XACK", "md:ticker", "millrace", .text(id)) }
            }
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(
                settings: ["claim.after": "1s", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            try await eventually("both find it: \(worker.tail())") {
                worker.errorsSoFar.contains("entries are missing")
                    && worker.errorsSoFar.contains("entries are not accounted for")
            }
            let metrics = try await HTTPProbe.get("/metrics", port: port) { reply in
                reply.series("millrace_conservation_error") ?? 0 > 0
            }
            #expect(metrics?.series("millrace_conservation_error") == 3)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            #expect(try await scene.millrace(["reconcile"]).status == 0)
            #expect(try scene.count("market_data_ticker") == 11)
            #expect(try await scene.millrace(["stats"]).output.contains("lost 0"))
            await scene.stop()
        }

        /// A group that somebody else had before has a past that the ledger does not know.
        @Test func aStreamWhoseBooksCannotBeToldIsNotCalledWhole() async throws {
            let scene = try await Scene()
            let ticker: KeyValuePairs = ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"]
            let id = try scene.add("md:ticker", ticker)
            let redis = try scene.onRedis()
            try redis.command("XGROUP", "CREATE", "md:ticker", "millrace", "0")
            try redis.command("XREADGROUP", "GROUP", "millrace", "hand", "STREAMS", "md:ticker", ">")
            try redis.command("XACK", "md:ticker", "millrace", .text(id))
            try scene.add("md:ticker", ticker)
            try scene.add("md:trades", ["time": "1735689600", "price": "1"])
            let worker = try scene.watched()
            let metrics = try await HTTPProbe.get("/metrics", port: worker.port) { reply in
                reply.series("millrace_conservation_unknown") == 1
            }
            #expect(metrics?.series("millrace_conservation_unknown") == 1)
            #expect(metrics?.series("millrace_conservation_error") == 0)
            try await scene.stop([worker])
            let stats = try await scene.millrace(["stats", "--json"])
            #expect(stats.output.contains(#""uncounted_streams":1"#), "\(stats.output)")
            #expect(stats.output.contains(#""unknown_streams":0"#), "\(stats.output)")
            await scene.stop()
        }

        @Test func entriesTrimmedBeforeTheyWereReadAreCountedOnce() async throws {
            let scene = try await Scene()
            try scene.add("md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "1"])
            try await scene.drain()
            let redis = try scene.onRedis()
            for number in 0..<50 {
                try redis.command(
                    "XADD", "md:ticker", "MAXLEN", "=", "20", "*", "time", "1735689600", "exchange", "X", "symbol", "S",
                    "bid_price", .integer(number))
            }
            let port = HTTPProbe.freePort()
            for _ in 0..<2 {
                let worker = try scene.worker(
                    settings: ["http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
                let metrics = try await HTTPProbe.get("/metrics", port: port) { reply in
                    reply.series("millrace_freshness_seconds", "md:ticker") != nil
                }
                #expect(metrics?.series("millrace_conservation_error") == 0)
                try await eventually("the rest is stored: \(worker.tail())") {
                    try scene.count("market_data_ticker") == 21 && scene.pendingCount() == 0
                }
                worker.send(SIGTERM)
                #expect(try await worker.wait().status == 0)
            }
            #expect(try scene.count("market_data_ticker") == 21)
            let stats = try await scene.millrace(["stats", "--json"])
            #expect(stats.output.contains(#""trimmed_unread":30"#), "\(stats.output)")
            #expect(stats.output.contains(#""lost":0"#), "\(stats.output)")
            await scene.stop()
        }
    }
}
