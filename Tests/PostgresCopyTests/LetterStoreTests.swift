import Foundation
import PostgresCopy
import PostgresWire
import Records
import Testing

struct LetterStoreTests {
    private let scope = LetterScope(redisID: "r", redisDatabase: 0, group: "g")
    private var deadline: ContinuousClock.Instant { .soon }

    /// A database with letters 1…count of one source.
    private func letters(_ count: Int, retry: String = "NULL") async throws -> TestDatabase {
        let database = try await TestDatabase()
        try database.connect().execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
              VALUES ('r', 0, 's', 'g', gen_random_uuid());
            INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, fingerprint,
                                            next_retry)
            SELECT source_no, (lpad(to_hex(n), 16, '0') || repeat('0', 16))::uuid, 's', '*0', 2, 'x', 'x', 'f', \(retry)
              FROM ingest.source, generate_series(1, \(count)) AS n
            """, deadline: deadline)
        return database
    }

    private func store(_ database: TestDatabase) throws -> LetterStore {
        LetterStore(try database.connect(), scope: scope)
    }

    private func lease(_ store: LetterStore, _ limit: Int = 100, maximum: Int = 8) throws -> [OpenLetter] {
        try store.lease(limit: limit, maximumAttempts: maximum, lease: .seconds(60), deadline: deadline)
    }

    @Test func whatOneWorkerTookAnotherDoesNotGet() async throws {
        let database = try await letters(10, retry: "now()")
        let (first, second) = (try store(database), try store(database))
        // As if the first were in the middle of its lease.
        try first.connection.execute("BEGIN", deadline: deadline)
        let mine = try lease(first, 4)
        let theirs = try lease(second)
        try first.connection.execute("COMMIT", deadline: deadline)
        #expect(mine.count == 4)
        #expect(theirs.count == 6)
        #expect(Set(mine.map(\.key)).isDisjoint(with: theirs.map(\.key)))
        #expect(try lease(second).isEmpty)
    }

    /// However large letters are, a lease takes a page of bytes.
    @Test func aLeaseIsBoundedByBytes() async throws {
        let database = try await letters(10, retry: "now()")
        let store = try store(database)
        try store.connection.execute(
            "UPDATE ingest.dead_letter SET payload_bytes = \(LetterStore.pageBytes / 3)", deadline: deadline)
        #expect(try lease(store).count == 4)
        #expect(try lease(store).count == 4)
        try store.connection.execute(
            "UPDATE ingest.dead_letter SET payload_bytes = \(2 * LetterStore.pageBytes)", deadline: deadline)
        #expect(try lease(store).count == 1, "one always fits")
    }

    @Test func anAttemptCountsFromItsLeaseOnAndIsTakenOverWhenItsWorkerDied() async throws {
        let database = try await letters(1, retry: "now()")
        let store = try store(database)
        #expect(try lease(store).map(\.attempts) == [1])
        #expect(
            try store.connection.number(
                "SELECT count(*) FROM ingest.dead_letter WHERE next_retry BETWEEN now() AND now() + interval '60 s'"
            )
                == 1)
        // The minute is over.
        try store.connection.execute("UPDATE ingest.dead_letter SET next_retry = now()", deadline: deadline)
        #expect(try lease(store).map(\.attempts) == [2])
    }

    @Test func aLetterThatIsGivenBackHasNotBeenTried() async throws {
        let database = try await letters(1, retry: "now()")
        let store = try store(database)
        let taken = try lease(store)
        try store.release(taken.map(\.key), after: .zero, deadline: deadline)
        #expect(try lease(store).map(\.attempts) == [1])
    }

    @Test func theLastAttemptIsNotGivenOutAgain() async throws {
        let database = try await letters(1, retry: "now()")
        let store = try store(database)
        #expect(try lease(store, maximum: 1).count == 1)
        try store.connection.execute("UPDATE ingest.dead_letter SET next_retry = now()", deadline: deadline)
        #expect(try lease(store, maximum: 1).isEmpty)
        let waiting =
            "SELECT count(*) FROM ingest.dead_letter WHERE state = 'o' AND next_retry IS NULL AND attempts = 1"
        #expect(try store.connection.number(waiting) == 1)
    }

    @Test func lettersOfOtherDeploymentsAndGroupsAreNobodysBusiness() async throws {
        let database = try await letters(3, retry: "now()")
        for other in [
            LetterScope(redisID: "q", redisDatabase: 0, group: "g"),
            LetterScope(redisID: "r", redisDatabase: 1, group: "g"),
            LetterScope(redisID: "r", redisDatabase: 0, group: "h"),
        ] {
            let store = LetterStore(try database.connect(), scope: other)
            #expect(try lease(store).isEmpty)
            #expect(try store.count(LetterSelection(state: nil), deadline: deadline) == 0)
            #expect(try store.list(LetterSelection(), limit: 9, deadline: deadline).isEmpty)
            var sweep = try LetterSweep(.discard(by: "x"), of: LetterSelection(), in: store, deadline: deadline)
            let page = try sweep.next(deadline: deadline)
            #expect(page == nil)
        }
    }

    /// Another group's backlog in the same database is not walked over, every second, by those who have none.
    @Test func lettersOfOthersCostNothing() async throws {
        let database = try await letters(100_000, retry: "now()")
        let connection = try database.connect()
        try connection.execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
              VALUES ('r', 0, 's', 'h', gen_random_uuid());
            INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, fingerprint,
                                            next_retry)
              SELECT source_no, gen_random_uuid(), 's', '*0', 2, 'x', 'x', 'f', now()
                FROM ingest.source, generate_series(1, 3) WHERE grp = 'h';
            ANALYZE ingest.dead_letter
            """, deadline: deadline)
        let read = """
            SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
             WHERE relid = 'ingest.dead_letter'::regclass
            """
        try connection.execute("BEGIN", deadline: deadline)
        let before = try connection.number(read) ?? 0
        let mirror = try DeadLetterStore(connection).unmirrored(
            redisID: "r", redisDatabase: 0, group: "h", deadline: deadline)
        #expect(mirror.count == 3)
        let due = try lease(
            LetterStore(connection, scope: LetterScope(redisID: "r", redisDatabase: 0, group: "h")))
        #expect(due.count == 3)
        let after = try connection.number(read) ?? .max
        #expect(after - before < 100, "\(after - before)")
        try connection.execute("ROLLBACK", deadline: deadline)
    }

    @Test func pagesEndBeforeTheirFieldsAreTooManyBytes() async throws {
        let database = try await letters(5)
        let store = try store(database)
        try store.connection.execute(
            "UPDATE ingest.dead_letter SET payload_bytes = \(LetterStore.pageBytes / 2)", deadline: deadline)
        var selection = LetterSelection()
        #expect(try store.page(of: selection, deadline: deadline).count == 2)
        let first = try store.details(selection, limit: 500, deadline: deadline)
        #expect(first.count == 2)
        let second = try store.details(selection, limit: 500, after: first.last?.letter.key, deadline: deadline)
        #expect(second.map(\.letter.key.id.milliseconds) == [3, 4])
        // One letter always fits.
        try store.connection.execute(
            "UPDATE ingest.dead_letter SET payload_bytes = \(LetterStore.pageBytes * 2)", deadline: deadline)
        selection.names = [.init(id: StreamID(milliseconds: 5, sequence: 0))]
        #expect(try store.details(selection, limit: 500, deadline: deadline).count == 1)
    }

    @Test func aSweepGoesPageByPageAndHasAnEnd() async throws {
        let database = try await letters(12, retry: "now()")
        let store = try store(database)
        func sweep(_ change: LetterChange, _ selection: LetterSelection = LetterSelection()) throws -> [Int] {
            var sweep = try LetterSweep(change, of: selection, in: store, pageLetters: 5, deadline: deadline)
            // Not there when the sweep began.
            try store.connection.execute(
                """
                INSERT INTO ingest.dead_letter (source_no, id, stream, payload, payload_bytes, cause, reason, fingerprint)
                SELECT source_no, gen_random_uuid(), 's', '*0', 2, 'x', 'x', 'late' FROM ingest.source
                """, deadline: deadline)
            var pages: [Int] = []
            while let page = try sweep.next(deadline: deadline) { pages.append(page) }
            try store.connection.execute(
                "DELETE FROM ingest.dead_letter WHERE fingerprint = 'late'", deadline: deadline)
            return pages
        }
        func count(_ condition: String) throws -> Int64? {
            try store.connection.number("SELECT count(*) FROM ingest.dead_letter WHERE \(condition)")
        }
        #expect(try sweep(.retryNow(maximumAttempts: 8)) == [5, 5, 2])
        #expect(try sweep(.cancelRetry) == [5, 5, 2])
        #expect(try count("next_retry IS NULL") == 12)
        #expect(try sweep(.purge, LetterSelection(state: nil)).isEmpty)
        #expect(try sweep(.discard(by: "it's me")) == [5, 5, 2])
        #expect(try count("state = 'd' AND closed_by = 'it''s me'") == 12)
        #expect(try store.connection.number("SELECT count(DISTINCT closed_at) FROM ingest.dead_letter") == 3)
        #expect(try sweep(.discard(by: "x")).isEmpty)
        #expect(try sweep(.purge, LetterSelection(state: nil)) == [5, 5, 2])
        #expect(try count("true") == 0)
    }

    @Test func verdictsHoldForAllLettersOrForNone() async throws {
        let database = try await letters(3)
        let store = try store(database)
        let page = try store.page(of: LetterSelection(), deadline: deadline)
        try #require(page.count == 3)
        let batch = try #require(HexUUID("00000000-0000-4000-8000-000000000001"))
        func commit(_ stored: [OpenLetter], failed: [OpenLetter] = []) throws -> CommitReport {
            var verdicts = LetterVerdicts(actor: "it's me", batch: batch, isCounted: false)
            verdicts.stored = stored.map { ($0.key, $0.edits) }
            verdicts.failed = failed.map {
                (FailedAttempt(key: $0.key, rejection: Rejection(.scale), detail: "o'clock"), $0.edits)
            }
            return try database.session().commit(CommitUnit(statements: verdicts.statements), deadline: .soon)
        }
        #expect(try commit([page[0]], failed: [page[1]]).isDurable)
        #expect(try commit(page).failure?.sqlState == .lettersClosed)
        #expect(try commit([page[2]], failed: [page[0]]).failure?.sqlState == .lettersClosed)
        #expect(try store.connection.number("SELECT count(*) FROM ingest.dead_letter WHERE state = 'r'") == 1)

        // One that was edited since it was read is another one.
        var edited = page[2]
        edited.fields = LetterFields([]).resp
        #expect(try store.edit([edited], by: "x", deadline: deadline).map(\.edits) == [1])
        #expect(try commit([page[2]]).failure?.sqlState == .lettersClosed)
        #expect(try store.edit([edited], by: "x", deadline: deadline).isEmpty)
        #expect(try store.reset([edited], deadline: deadline).isEmpty)
        let log = try store.connection.query(
            "SELECT attempt_log->0->>'by' AS who, attempt_log->0->>'detail' AS detail, first_reason, cause "
                + "FROM ingest.dead_letter WHERE attempts = 1 AND state = 'o'", deadline: deadline)[0]
        #expect(try log.text("who") == "it's me")
        #expect(try log.text("detail") == "o'clock")
        #expect(try log.text("first_reason") == "x")
        #expect(try log.text("cause") == "scale")
    }

    @Test func theLogKeepsTheLastTwentyAttempts() async throws {
        let database = try await letters(1)
        let connection = try database.connect()
        for attempt in 1...25 {
            try connection.execute(
                "UPDATE ingest.dead_letter SET attempt_log = ingest.add_attempt(attempt_log, '\(attempt)'::jsonb)",
                deadline: deadline)
        }
        let log = try connection.query("SELECT attempt_log FROM ingest.dead_letter", deadline: deadline)[0]
        #expect(try log.text("attempt_log") == "[" + (6...25).map(String.init).joined(separator: ", ") + "]")
    }

    @Test func textsOfASelectionCannotBecomeSQL() async throws {
        let database = try await letters(1)
        let store = try store(database)
        var selection = LetterSelection()
        selection.causes = ["x' OR 'a' = 'a"]
        selection.tables = ["\\'; DROP TABLE ingest.dead_letter; --"]
        selection.streams = [StreamKey("s'")]
        selection.fingerprints = ["'"]
        #expect(try store.count(selection, deadline: deadline) == 0)
        #expect(try store.count(LetterSelection(), deadline: deadline) == 1)
    }
}
