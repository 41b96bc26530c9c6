import Glibc
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    /// Is it the table that refuses, or are the entries bad? However slowly it shows, and whatever stands at the head.
    struct RefusalTests {
        /// Each look at the table used to cost nineteen more good entries.
        @Test func aTableThatRefusesASlowStreamCostsNineteenLettersOnce() async throws {
            let scene = try await Scene()
            try scene.execute("ALTER TABLE market_data_trades ADD CONSTRAINT never CHECK (price < 0) NOT VALID")
            let worker = try scene.worker(settings: ["lanes": "1"])
            try await eventually("it carries entries") { worker.errorsSoFar.contains("carrying entries") }
            for number in 1...90 {
                try scene.add([.trade("t\(number)")])
                try await Task.sleep(for: .milliseconds(200))
            }
            try await eventually("the table is held: \(worker.tail())") {
                worker.errorsSoFar.contains("a table takes no rows")
            }
            #expect(try scene.letterCount() <= 19)
            try scene.execute("ALTER TABLE market_data_trades DROP CONSTRAINT never")
            try await eventually(within: .seconds(120), "the rest is stored: \(worker.tail())") {
                try scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            let letters = try scene.letterCount()
            #expect(letters <= 19)
            #expect(try scene.count("market_data_trades") == 90 - letters)
            #expect(try scene.covered() == 90)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        /// More bad entries than are read back at once, and nothing else: the table seems to refuse everything. The first
        /// good entry shows that it does not.
        @Test func badEntriesAtTheHeadDoNotHoldAHealthyTable() async throws {
            let scene = try await Scene()
            try scene.execute("ALTER TABLE market_data_trades ADD CONSTRAINT positive CHECK (price > 0) NOT VALID")
            let worker = try scene.worker(settings: ["lanes": "1"])
            try scene.add((1...600).map { .trade("bad\($0)", price: "-1") })
            try await eventually("the table is held: \(worker.tail())") {
                worker.errorsSoFar.contains("a table takes no rows")
            }
            try scene.add((1...3).map { .trade("good\($0)") })
            try await eventually(within: .seconds(60), "all is stored: \(worker.tail())") {
                try scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            #expect(try scene.count("market_data_trades") == 3)
            #expect(try scene.letterCount() == 600)
            #expect(try scene.covered() == 603)
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        /// A page of own pending entries took longer than a statement may, for ever.
        @Test func aSlowTableGetsSmallerTransactions() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN PERFORM pg_sleep(0.03); RETURN NULL; END $$;
                CREATE TRIGGER dawdle AFTER INSERT ON market_data_ticker FOR EACH ROW EXECUTE FUNCTION dawdle()
                """)
            try scene.addTickers(1...500)
            let worker = try scene.watched()
            try await eventually("it is at it") { try scene.isAllDelivered() }
            try scene.add((1...20).map { .trade("t\($0)") })
            try await eventually(within: .seconds(40), "others go on: \(worker.process.tail())") {
                try scene.count("market_data_trades") == 20
            }
            try await scene.expectTickers(500, covered: 520, within: .seconds(90))
            // Transactions are numbered as they begin to write.
            func transaction(_ which: String, of table: String) -> String {
                "(SELECT \(which)(xmin::text::bigint) FROM \(table))"
            }
            let trades = transaction("min", of: "market_data_trades")
            #expect(
                try scene.number("(\(trades) < \(transaction("max", of: "market_data_ticker")))::int") == 1,
                "trades went in between")
            #expect(try scene.letterCount() == 0)
            try await scene.stop([worker])
            await scene.stop()
        }

        /// Another group of the same database has the stream: it is left alone, and nothing else is.
        @Test func aStreamOfAnotherGroupIsLeftOutAlone() async throws {
            let scene = try await Scene()
            try scene.addTickers(1...10)
            try await scene.drain(settings: ["consumer_group": "other"])
            try scene.addTickers(11...20)
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(
                settings: ["lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            // One that the other group never saw.
            for number in 1...50 {
                try scene.add(
                    "trades-X-1",
                    [
                        "timestamp": "1735689600", "exchange": "X", "symbol": "S", "price": "1.5", "amount": "2",
                        "side": "sell", "type": "None", "id": "\(number)",
                    ])
            }
            try await eventually("other streams go on: \(worker.tail())") {
                try scene.count("market_data_trades") == 50
            }
            let readiness = try await HTTPProbe.get("/readyz", port: port) { $0.body.contains("left out") }
            #expect(readiness?.status == 200 && readiness?.body.contains("stream-md:ticker") == true)
            let told = worker.errorsSoFar.split(separator: "\n").filter {
                $0.contains("a stream is left out") && $0.contains("md:ticker")
            }
            #expect(told.count == 1, "\(told)")
            #expect(try scene.count("market_data_ticker") == 10)
            #expect(try scene.groupFact("name", of: "md:ticker") == nil, "no group was made")
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            let drain = try await scene.millrace(["run", "--drain", "--timeout", "20s"], limit: .seconds(60))
            #expect(drain.status == 1 && drain.errors.contains("is left out"), "\(drain.errors)")
            await scene.stop()
        }

        /// The guard looked at the table alone, and the trigger is a partition's.
        @Test func rowsThatATriggerOfAPartitionTakesAwayAreLetters() async throws {
            let scene = try await Scene(plain: true)
            let worker = try scene.watched()
            try scene.addTickers(1...100)
            try await scene.expectTickers(100)
            let partition = try scene.rows("SELECT tableoid::regclass::text AS name FROM market_data_ticker LIMIT 1")
            let name = try partition[0].requiredText("name")
            #expect(name != "market_data_ticker")
            try scene.execute(
                """
                CREATE FUNCTION drop_tenth() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN IF NEW.bid_price % 10 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
                CREATE TRIGGER dropper BEFORE INSERT ON \(name) FOR EACH ROW EXECUTE FUNCTION drop_tenth()
                """)
            try scene.addTickers(101...300)
            try await scene.expectTickers(280, covered: 300)
            #expect(try scene.count("ingest.dead_letter WHERE cause = 'row_suppressed'") == 20)
            #expect(try scene.letterCount() == 20)
            try await scene.stop([worker])
            await scene.stop()
        }

        /// A password is changed while workers run: in its file, too.
        @Test func aPasswordFileIsReadAgain() async throws {
            let scene = try await Scene()
            let file = "/tmp/millrace-\(UInt64.random(in: 0 ... .max))"
            defer { unlink(file) }
            func write(_ password: String) throws {
                let handle = try #require(fopen(file, "w"))
                fputs("\(password)\n", handle)
                fclose(handle)
                chmod(file, 0o600)
            }
            try write("first")
            try scene.command("ACL", "SETUSER", "feed", "on", ">first", "~*", "&*", "+@all")
            let worker = try scene.watched(settings: [
                "redis.url": "redis://feed@127.0.0.1:\(scene.redis.port)", "redis.password_file": file,
            ])
            try scene.addTickers(1...10)
            try await scene.expectTickers(10)
            try scene.command("ACL", "SETUSER", "feed", "resetpass", ">second")
            try scene.command("CLIENT", "KILL", "USER", "feed")
            try await eventually("it is told: \(worker.process.tail())") {
                worker.log(has: "Redis refuses this worker")
            }
            try write("second")
            try scene.addTickers(11...20)
            try await scene.expectTickers(20)
            try await scene.stop([worker])
            await scene.stop()
        }
    }
}
