import Foundation
import Glibc
import IngestTesting
import LocalServices
import PostgresWire
import Testing

extension EndToEnd {
    /// PostgreSQL refuses, dies in parts, or is short of something: nothing is lost, and no row is blamed for it.
    @Suite(.tags(.fault)) struct DatabaseFaultTests {
        /// A server's answer, made by a trigger that raises it: what a full disk or a bug of ours looks like from here.
        static let answers = Proof.pick(
            ["53100", "21000", "40001"],
            proof: ["53100", "21000", "40001", "40P01", "53000", "53300", "58030", "XX001", "XX002", "57014", "55006"])

        @Test(arguments: answers) func anAnswerThatIsNoRowsFaultPausesAndBlamesNobody(_ sqlState: String) async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE TABLE fault (code text);
                CREATE FUNCTION raise_fault() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                  DECLARE c text; BEGIN SELECT code INTO c FROM fault LIMIT 1;
                  IF c IS NOT NULL THEN RAISE EXCEPTION 'injected' USING ERRCODE = c; END IF; RETURN NULL; END $$;
                CREATE TRIGGER fault BEFORE INSERT ON market_data_ticker
                  FOR EACH STATEMENT EXECUTE FUNCTION raise_fault()
                """)
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.watched()
            try await scene.expectRows("it works: \(worker.process.tail())")
            try scene.execute("INSERT INTO fault VALUES ('\(sqlState)')")
            try await eventually("it is told: \(worker.process.tail())") { worker.log(has: sqlState) }
            // What was past the trigger is stored; nothing after it, though entries keep coming.
            var (stored, since) = (-1, ContinuousClock.now)
            try await eventually(within: .seconds(60), "nothing is stored any more: \(worker.process.tail())") {
                let now = try scene.count("market_data_ticker")
                if now != stored { (stored, since) = (now, .now) }
                return ContinuousClock.now - since > .seconds(2)
            }
            #expect(try scene.letterCount() == 0)
            try scene.execute("DELETE FROM fault")
            try await scene.expectRows("it goes on by itself: \(worker.process.tail())")
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// Short of memory for everything, even for a single dead letter: nobody is to blame.
        @Test func aServerShortOfMemoryForEverythingIsWaitedFor() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE TABLE fault (code text); INSERT INTO fault VALUES ('53200');
                CREATE FUNCTION raise_fault() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                  BEGIN IF EXISTS (SELECT FROM fault) THEN RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200';
                  END IF; RETURN NULL; END $$;
                CREATE TRIGGER fault BEFORE INSERT ON ingest.batch
                  FOR EACH STATEMENT EXECUTE FUNCTION raise_fault()
                """)
            try scene.addTickers(1...3)
            let worker = try scene.watched()
            try await eventually("it is told: \(worker.process.tail())") {
                worker.log(has: "the lane starts over") && worker.log(has: "53200")
            }
            try await Task.sleep(for: .seconds(3))
            #expect(worker.process.isRunning)
            try scene.execute("DELETE FROM fault")
            try await scene.expectTickers(3)
            #expect(try scene.letterCount() == 0)
            try await scene.stop([worker])
            await scene.stop()
        }

        /// Rows that have to wait for memory do not become letters because the worker is asked to end.
        @Test func aWorkerThatEndsWhileMemoryIsShortMakesNoLetters() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE SEQUENCE tries;
                CREATE FUNCTION raise_fault() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                  BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200'; END $$;
                CREATE TRIGGER fault BEFORE INSERT ON market_data_ticker FOR EACH ROW EXECUTE FUNCTION raise_fault()
                """)
            try scene.addTickers(1...64)
            // Asked to end while the server is about to refuse them.
            let worker = try scene.doomed("w", "commit-sent:term")
            try await scene.stop([worker], asking: false)
            #expect(worker.log(has: "waitpoint commit-sent: term"), "\(worker.process.tail())")
            // What a sequence counted is not rolled back.
            #expect(try scene.number("SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM tries") > 0)
            #expect(try scene.letterCount() == 0)
            try scene.execute("DROP TRIGGER fault ON market_data_ticker")
            let next = try scene.watched()
            try await scene.expectTickers(64)
            try await scene.stop([next])
            await scene.stop()
        }

        /// What an operator does to a worker's login while it runs, and takes back.
        struct Refusal: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var begin: String
            var end: String
            var code: String
        }

        static let refusals: [Refusal] = [
            Refusal(
                testDescription: "connection limit", begin: "ALTER ROLE %r CONNECTION LIMIT 0",
                end: "ALTER ROLE %r CONNECTION LIMIT -1", code: "53300"),
            Refusal(
                testDescription: "right revoked", begin: "REVOKE pg_write_all_data FROM %r",
                end: "GRANT pg_write_all_data TO %r", code: "42501"),
            Refusal(
                testDescription: "password changed", begin: "ALTER ROLE %r PASSWORD 'other'",
                end: "ALTER ROLE %r PASSWORD 'known'", code: "28P01"),
            Refusal(
                testDescription: "read-only", begin: "ALTER DATABASE %d SET default_transaction_read_only = on",
                end: "ALTER DATABASE %d RESET default_transaction_read_only", code: "read-only"),
        ]

        @Test(arguments: refusals) func aRefusedLoginIsTriedAgainUntilItIsGranted(_ refusal: Refusal) async throws {
            let scene = try await Scene()
            let role = "worker_\(scene.database)"
            func admin(_ sql: String) async throws {
                let text = sql.replacing("%r", with: role).replacing("%d", with: scene.database)
                try await scene.postgres.run(sql: text, database: "postgres")
            }
            try await admin("CREATE ROLE %r LOGIN PASSWORD 'known'")
            try await admin("GRANT pg_write_all_data, pg_read_all_data TO %r")
            let url = "postgresql://\(role):known@127.0.0.1:\(scene.postgres.port)/\(scene.database)"
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.watched(settings: ["postgres.url": url])
            try await scene.expectRows("it works: \(worker.process.tail())")
            try await admin(refusal.begin)
            let sessions = "pg_stat_activity WHERE datname = '%d' AND application_name LIKE 'millrace/%'"
            try await admin("SELECT pg_terminate_backend(pid) FROM \(sessions)")
            try await eventually("it is told: \(worker.process.tail())") { worker.log(has: refusal.code) }
            #expect(worker.process.isRunning)
            try await admin(refusal.end)
            try await scene.expectRows("it goes on by itself: \(worker.process.tail())", within: .seconds(25))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// There is nothing that a worker could do about it, and nothing is acknowledged.
        @Test func aDatabaseDroppedUnderALiveWorkerIsNamedAndNothingIsAcknowledged() async throws {
            let scene = try await Scene()
            let worker = try scene.watched()
            try scene.addTickers(1...100)
            try await scene.expectTickers(100)
            try await scene.postgres.run(sql: "DROP DATABASE \(scene.database) WITH (FORCE)", database: "postgres")
            try scene.addTickers(101...200)
            try await eventually(within: .seconds(60), "it is told: \(worker.process.tail())") {
                worker.log(has: "3D000") && worker.log(has: scene.database)
            }
            #expect(worker.process.isRunning)
            let ready = try await HTTPProbe.get("/readyz", port: worker.port) { $0.status == 503 }
            #expect(ready?.status == 503)
            try await scene.stop([worker])
            let read = try scene.groupFact("entries-read", of: "md:ticker").flatMap { Int($0) } ?? -1
            #expect(try read - scene.pendingCount() == 100, "what was stored, and no more, is acknowledged")
            await scene.stop()
        }

        @Test func sessionsEndedAtAnyMomentLoseNothing() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 4_000)
            let worker = try scene.watched()
            var ended = 0
            for _ in 1...Proof.pick(15, proof: 200) {
                try await eventually("sessions") { try !scene.lanePIDs().isEmpty }
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...200)))
                ended += try scene.terminateSessions()
            }
            #expect(ended > 15)
            try await scene.expectRows("it works: \(worker.process.tail())")
            #expect(worker.log(has: "57P01"), "\(worker.process.tail())")
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// One backend dies without a word: the server ends all others and recovers from its log.
        @Test func aKilledBackendMakesTheServerRecoverAndWorkersGoOn() async throws {
            let scene = try await Scene(ownPostgres: true)
            let feeder = Feeder(scene, rate: 3_000)
            let worker = try scene.watched()
            try await scene.expectRows("it works")
            let started = try scene.rows("SELECT pg_postmaster_start_time()::text AS t")[0].requiredText("t")
            let pid = try #require(try scene.lanePIDs().first)
            #expect(kill(pid, SIGKILL) == 0)
            try await eventually("it is told: \(worker.process.tail())") { worker.log(has: "the lane starts over") }
            try await scene.expectRows("it goes on: \(worker.process.tail())", within: .seconds(20))
            #expect(
                try scene.rows("SELECT pg_postmaster_start_time()::text AS t")[0].requiredText("t") == started,
                "crash recovery, not a restart")
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
            await scene.postgres.stop()
        }

        /// A committed transaction that no standby has confirmed is not acknowledged, whatever the tag says, and not by the
        /// ledger's word either: what was cancelled can be seen.
        @Test func aCommitThatWaitsForAStandbyInVainIsNotAcknowledged() async throws {
            let scene = try await Scene(ownPostgres: true)
            let feeder = Feeder(scene, rate: 2_000)
            let worker = try scene.watched()
            try await scene.expectRows("it works")
            try scene.execute("ALTER SYSTEM SET synchronous_standby_names = 'nope'")
            try scene.execute("SELECT pg_reload_conf()")
            let waiting = "pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE 'millrace/%'"
            try await eventually("a lane's COMMIT waits: \(worker.process.tail())") {
                try scene.count("\(waiting) AND application_name NOT LIKE '%housekeeper'") > 0
            }
            // What was durable before is acknowledged once all rests; a lane waits for longer than that.
            var (held, since) = (try scene.entriesPending(of: "w", limit: 100_000), ContinuousClock.now)
            try await eventually(within: .seconds(60), "acknowledging rests: \(worker.process.tail())") {
                let now = try scene.entriesPending(of: "w", limit: 100_000)
                if now.map(\.id) != held.map(\.id) { (held, since) = (now, .now) }
                return !held.isEmpty && ContinuousClock.now - since > .seconds(2)
            }
            let covered = try scene.covered()
            #expect(try scene.number("SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM \(waiting)") > 0)
            try await eventually("the rows can be seen") { try scene.covered() > covered }
            try await eventually("it is not believed: \(worker.process.tail())") {
                worker.log(has: "the lane starts over") || worker.log(has: "01000")
            }
            // Nor is what the ledger says of it: a standby that is promoted would not know.
            try await Task.sleep(for: .seconds(3))
            #expect(try scene.areStillPending(held))
            try scene.execute("ALTER SYSTEM RESET synchronous_standby_names")
            try scene.execute("SELECT pg_reload_conf()")
            try await scene.expectRows("it goes on: \(worker.process.tail())", within: .seconds(25))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
            await scene.postgres.stop()
        }

        @Test func aDeadlockIsOvercome() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 3_000)
            let worker = try scene.watched()
            try await scene.expectRows("it works")
            var found = 0
            let end = ContinuousClock.now + .seconds(60)
            while found == 0, .now < end {
                try await scene.crossLocks()
                found = try scene.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            }
            #expect(found > 0)
            try await scene.expectRows("it goes on: \(worker.process.tail())")
            #expect(try scene.letterCount() == 0)
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// Were one row stored by a commit that does not wait for the disk, the trigger would refuse it.
        @Test func commitsAreSynchronousWhateverTheDatabaseSays() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE FUNCTION insist() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                  IF current_setting('synchronous_commit') <> 'on' THEN RAISE EXCEPTION 'asynchronous'; END IF;
                  RETURN NULL; END $$;
                CREATE TRIGGER insist BEFORE INSERT ON market_data_ticker FOR EACH STATEMENT EXECUTE FUNCTION insist();
                ALTER DATABASE \(scene.database) SET synchronous_commit = off
                """)
            #expect(try scene.rows("SHOW synchronous_commit")[0].requiredText("synchronous_commit") == "off")
            try scene.addTickers(1...500)
            try await scene.drain()
            try await scene.expectTickers(500)
            await scene.stop()
        }

        @Test func rowsWithoutAPartitionAreLetters() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                ALTER TABLE market_data_orderbook RENAME TO away;
                CREATE TABLE market_data_orderbook (LIKE away INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
                  PARTITION BY LIST (exchange);
                CREATE TABLE kraken PARTITION OF market_data_orderbook FOR VALUES IN ('KRAKEN');
                GRANT SELECT, INSERT ON market_data_orderbook TO millrace_writer
                """)
            try scene.add((0..<200).map { RawEntry.book($0, exchange: $0 % 50 == 7 ? "NOWHERE" : "KRAKEN") })
            try await scene.drain()
            #expect(try scene.count("market_data_orderbook") == 196)
            #expect(try scene.count("ingest.dead_letter WHERE sqlstate = '23514'") == 4)
            #expect(try scene.covered() == 200)
            await scene.stop()
        }

        @Test func aRowTooLargeForItsIndexIsALetter() async throws {
            let scene = try await Scene()
            try scene.execute("CREATE INDEX ON market_data_orderbook ((bids::text))")
            let levels = (0..<3_000).map { _ in
                "[\"\(Int.random(in: 1..<1_000_000_000))\",\"\(Int.random(in: 1..<1_000_000_000))\"]"
            }
            let large = RawEntry.book(500).replacing("bids", with: Array("[\(levels.joined(separator: ","))]".utf8))
            try scene.add((0..<100).map { RawEntry.book($0) } + [large] + (101..<200).map { RawEntry.book($0) })
            try await scene.drain()
            #expect(try scene.count("market_data_orderbook") == 199)
            #expect(try scene.count("ingest.dead_letter WHERE sqlstate = '54000'") == 1)
            #expect(try scene.covered() == 200)
            await scene.stop()
        }

        /// It fails while a buffer of rows is written, of which COPY names the last one.
        @Test func aRowTooLargeForItsPageIsTheOnlyLetter() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                ALTER TABLE market_data_trades DROP CONSTRAINT market_data_trades_type_check;
                ALTER TABLE market_data_trades ALTER COLUMN type SET STORAGE PLAIN
                """)
            func trade(_ number: Int, bytes: Int) -> RawEntry {
                .trade("\(number)").adding([(Array("type".utf8), [UInt8](repeating: 65, count: bytes))])
            }
            try scene.add([trade(0, bytes: 9_000)] + (1..<1_000).map { trade($0, bytes: 9) })
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 999)
            #expect(try scene.count("ingest.dead_letter WHERE sqlstate = '54000'") == 1)
            #expect(try scene.letterCount() == 1)
            // A replay finds the same one.
            try await scene.letterCommand(["dlq", "replay", "--all"], status: 3)
            #expect(try scene.letters("o") == 1)
            await scene.stop()
        }

        /// Whatever a trigger raises for a row is about that row: a CASE without ELSE, a subquery of two rows, a code of
        /// its own. Behind the rows no line is named.
        @Test(arguments: [
            ("BEFORE", "CASE NEW.exchange WHEN 'KRAKEN' THEN NULL; END CASE", "20000"),
            ("AFTER", "CASE NEW.exchange WHEN 'KRAKEN' THEN NULL; END CASE", "20000"),
            ("BEFORE", "PERFORM (SELECT 1 WHERE NEW.exchange = 'NOWHERE' UNION ALL SELECT 2)", "21000"),
            ("BEFORE", "IF NEW.exchange = 'NOWHERE' THEN RAISE 'no' USING ERRCODE = 'MY001'; END IF", "MY001"),
        ])
        func aRowForWhichATriggerFailsIsALetter(moment: String, statement: String, code: String) async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE FUNCTION check_book() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(statement); RETURN NEW; END $$;
                CREATE TRIGGER checker \(moment) INSERT ON market_data_orderbook
                  FOR EACH ROW EXECUTE FUNCTION check_book()
                """)
            try scene.add((0..<200).map { RawEntry.book($0, exchange: $0 == 77 ? "NOWHERE" : "KRAKEN") })
            try await scene.drain()
            #expect(try scene.count("market_data_orderbook") == 199)
            #expect(try scene.count("ingest.dead_letter WHERE sqlstate = '\(code)'") == 1)
            #expect(try scene.covered() == 200 && scene.letterCount() == 1)
            await scene.stop()
        }

        /// A new chunk for each day: a batch holds only so many.
        @Test func aBatchOfManyDaysIsCut() async throws {
            let scene = try await Scene()
            try scene.add(
                (0..<150).map { day in
                    RawEntry.book(day).replacing("time", with: Array("\(1_735_689_600 - day * 86_400)".utf8))
                })
            try await scene.drain()
            #expect(try scene.count("market_data_orderbook") == 150)
            #expect(try scene.count("ingest.batch") >= 3, "64 days at most in one transaction")
            #expect(try scene.covered() == 150 && scene.letterCount() == 0)
            await scene.stop()
        }
    }
}

extension Scene {
    /// Takes the ledger and then the tables, while a worker takes them the other way round. Who looks for a deadlock
    /// first, the worker, is the one to be refused.
    fileprivate func crossLocks() async throws {
        try await onThread {
            let locker = try PostgresConnection.connect(to: PostgresEndpoint(databaseURL), applicationName: "locker")
            try locker.execute("SET deadlock_timeout = '20s'", deadline: .soon)
            try locker.execute("BEGIN; LOCK TABLE ingest.ledger IN SHARE MODE", deadline: .soon)
            let end = ContinuousClock.now + .seconds(5)
            while .now < end,
                try count("pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'relation'") == 0
            {}
            try locker.execute(
                "LOCK TABLE market_data_trades, market_data_ticker IN ACCESS EXCLUSIVE MODE", deadline: .soon)
            try locker.execute("ROLLBACK", deadline: .soon)
        }
    }
}
