import PostgresCopy
import PostgresWire
import Records
import Testing

@Suite struct LedgerStoreTests {
    private let key = SourceKey(
        redisID: "main", redisDatabase: 0, stream: StreamKey(bytes: [0x6D, 0x00, 0xFF]), group: "g'1")
    private let one = SourceNumber(rawValue: 1)

    private func id(_ milliseconds: UInt64) -> StreamID { StreamID(milliseconds: milliseconds, sequence: 0) }

    private func fence(_ connection: PostgresConnection, _ ranges: [CommitUnit.Range]) {
        #expect(CommitSession(connection).commit(CommitUnit(ranges: ranges), deadline: .soon).isDurable)
    }

    @Test func opensClosesAndReopensIncarnations() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            #expect(try store.lock(key, deadline: .soon) == SourceFacts(rows: [], otherGroups: []))
            let first = HexUUID(high: 1, low: 1)
            let opened = try store.apply(
                [.open(first, adoptedUpTo: nil)], to: key, replicationID: "server-1", deadline: .soon)
            let number = try #require(opened)
            fence(connection, [range(5, 9, source: number.rawValue)])
            var rows = try store.rows(of: key, deadline: .soon)
            // entries-added is what was last seen in Redis: the ledger's own count proves nothing about the stream.
            #expect(
                rows == [
                    SourceRow(
                        number: number, incarnation: first, isOpen: true, highestID: id(9), entriesAdded: nil,
                        replicationID: "server-1")
                ])
            _ = try store.lock(key, deadline: .soon)
            let second = try store.apply(
                [.close(number), .open(HexUUID(high: 2, low: 2), adoptedUpTo: id(100))], to: key, deadline: .soon)
            rows = try store.rows(of: key, deadline: .soon)
            #expect(rows.map(\.isOpen) == [true, false])
            #expect(rows[0].highestID == id(100))
            #expect(rows[0].entriesAdded == nil)
            let adopted = try store.entries(of: try #require(second), deadline: .soon)
            #expect(adopted.count == 0 && adopted.hasAdopted)
            _ = try store.lock(key, deadline: .soon)
            _ = try store.apply([.close(rows[0].number), .reopen(number)], to: key, deadline: .soon)
            #expect(try store.rows(of: key, deadline: .soon).map(\.isOpen) == [false, true])
        }
    }

    @Test func twoOpenIncarnationsAreRefused() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            _ = try store.lock(key, deadline: .soon)
            let changes: [SourceChange] = [
                .open(HexUUID(high: 1, low: 1), adoptedUpTo: nil), .open(HexUUID(high: 1, low: 2), adoptedUpTo: nil),
            ]
            #expect(throws: PostgresError.self) { try store.apply(changes, to: key, deadline: .soon) }
            #expect(connection.transactionStatus == .idle)
            #expect(try store.rows(of: key, deadline: .soon).isEmpty)
        }
    }

    @Test func theLockKeepsASecondElectorOut() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let (locking, waiting) = (try database.connect(), try database.connect())
            let first = LedgerStore(locking)
            _ = try first.lock(key, deadline: .soon)
            try locking.mayBeIdle()
            let sql = "SELECT pg_try_advisory_xact_lock(\(key.lockNumber)) AS mine"
            #expect(try !waiting.query(sql, deadline: .soon)[0].isTrue("mine"))
            var other = key
            other.group = "g2"
            let elsewhere = LedgerStore(waiting)
            #expect(try elsewhere.lock(other, deadline: .soon).rows.isEmpty)
            _ = try elsewhere.apply([.open(HexUUID(high: 9, low: 9), adoptedUpTo: nil)], to: other, deadline: .soon)
            _ = try first.apply([.open(HexUUID(high: 1, low: 1), adoptedUpTo: nil)], to: key, deadline: .soon)
            let facts = try elsewhere.lock(key, deadline: .soon)
            #expect(facts.rows.count == 1)
            #expect(facts.otherGroups == ["g2"])
        }
    }

    @Test func coverageIsWhatOverlapsTheWindows() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            fence(connection, [range(1, 5), range(8, 9), range(20, 30), range(1, 99, source: 2)])
            func covered(_ windows: [(SourceNumber, UInt64, UInt64)]) throws -> [String] {
                try store.coverage(
                    of: windows.map { ($0.0, IDRange(id($0.1), id($0.2))) }, deadline: .soon
                ).map { "\($0.source) \($0.ids)" }
            }
            #expect(try covered([(one, 5, 8)]) == ["1 [1-0, 5-0]", "1 [8-0, 9-0]"])
            #expect(try covered([(one, 6, 7)]) == [])
            #expect(
                try covered([(one, 21, 21), (SourceNumber(rawValue: 2), 99, 200)]) == [
                    "1 [20-0, 30-0]", "2 [1-0, 99-0]",
                ])
            #expect(try covered([]) == [])
            #expect(try covered([(one, 1, 2), (one, 3, 4)]) == ["1 [1-0, 5-0]"])
        }
    }

    @Test func theProbeUsesTheIndex() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute(
                """
                INSERT INTO ingest.ledger (source_no, ids, kind, n)
                SELECT 1, ingest.sidrange(u, u, '[]'), 'B', 1
                  FROM (SELECT lpad(to_hex(i), 32, '0')::uuid AS u FROM generate_series(1, 20000) i) AS ids;
                ANALYZE ingest.ledger
                """, deadline: .soon)
            let window = IDRange(StreamID(milliseconds: 0, sequence: 500), StreamID(milliseconds: 0, sequence: 509))
            // How often the table was read whole, and its index, as the server counts.
            func scans() throws -> [Int64] {
                _ = try connection.query("SELECT pg_stat_force_next_flush()", deadline: .soon)
                let counts = [
                    "SELECT seq_scan FROM pg_stat_user_tables WHERE relid = 'ingest.ledger'::regclass",
                    "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'ledger_once'",
                ]
                return try counts.map { try #require(try connection.number($0)) }
            }
            let before = try scans()
            let found = try LedgerStore(connection).coverage(of: [(one, window)], deadline: .soon)
            #expect(found.count == 10)
            #expect(try scans() == [before[0], before[1] + 1])
        }
    }

    @Test func mergesIntoAFloorAndNotesThePosition() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            _ = try store.lock(key, deadline: .soon)
            _ = try store.apply([.open(HexUUID(high: 1, low: 1), adoptedUpTo: nil)], to: key, deadline: .soon)
            fence(connection, (0..<10).map { range($0 * 10 + 1, $0 * 10 + 5) })
            let rows = try #require(try store.beginMerge(of: one, deadline: .soon))
            #expect(rows.count == 10)
            #expect(rows[0] == LedgerRow(ids: IDRange(id(1), id(5)), count: 5, isFloor: false))
            let floor = LedgerRow(ids: IDRange(.min, id(85)), count: 45, isFloor: true)
            #expect(try store.replace(9, with: floor, of: one, deadline: .soon))
            try store.finishMerge(of: one, highest: id(200), entriesAdded: 77, deadline: .soon)
            #expect(try connection.rowCount("ingest.ledger") == 2)
            #expect(try store.entries(of: one, deadline: .soon).count == 50)
            let row = try store.rows(of: key, deadline: .soon)[0]
            #expect(row.highestID == id(200))
            #expect(row.entriesAdded == 77)
            let again = CommitSession(connection).commit(CommitUnit(ranges: [range(7, 8)]), deadline: .soon)
            #expect(again.isConflict)
        }
    }

    /// What Redis says of the stream is then about another incarnation.
    @Test func aSourceThatWasClosedIsNotMerged() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            _ = try store.lock(key, deadline: .soon)
            _ = try store.apply([.open(HexUUID(high: 1, low: 1), adoptedUpTo: nil)], to: key, deadline: .soon)
            fence(connection, [range(1, 2), range(5, 6)])
            _ = try store.lock(key, deadline: .soon)
            _ = try store.apply([.close(one)], to: key, deadline: .soon)
            #expect(try store.beginMerge(of: one, deadline: .soon) == nil)
            #expect(connection.transactionStatus == .idle)
        }
    }

    @Test func aMergeThatWasOvertakenChangesNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            _ = try store.lock(key, deadline: .soon)
            _ = try store.apply([.open(HexUUID(high: 1, low: 1), adoptedUpTo: nil)], to: key, deadline: .soon)
            fence(connection, [range(1, 2), range(5, 6)])
            #expect(try store.beginMerge(of: one, deadline: .soon)?.count == 2)
            try connection.mayBeIdle()
            let other = try database.connect()
            #expect(try LedgerStore(other).beginMerge(of: one, deadline: .soon) == nil)
            #expect(other.transactionStatus == .idle)
            fence(other, [range(3, 4)])
            let floor = LedgerRow(ids: IDRange(.min, id(6)), count: 4, isFloor: true)
            #expect(try !store.replace(2, with: floor, of: one, deadline: .soon))
            #expect(connection.transactionStatus == .idle)
            #expect(try connection.rowCount("ingest.ledger") == 3)
        }
    }

    @Test func aMergeDoesNotWaitLongForACompetitor() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = LedgerStore(connection)
            _ = try store.lock(key, deadline: .soon)
            _ = try store.apply([.open(HexUUID(high: 1, low: 1), adoptedUpTo: nil)], to: key, deadline: .soon)
            fence(connection, [range(1, 2), range(5, 6)])
            _ = try store.beginMerge(of: one, deadline: .soon)
            try connection.mayBeIdle()
            let other = try database.connect()
            let (lower, upper) = (id(3).uuidHex, id(4).uuidHex)
            try other.execute("BEGIN; SELECT ingest.fence('{1}','{\(lower)}','{\(upper)}','{2}')", deadline: .soon)
            let floor = LedgerRow(ids: IDRange(.min, id(6)), count: 4, isFloor: true)
            do throws(PostgresError) {
                _ = try store.replace(2, with: floor, of: one, deadline: .soon)
                Issue.record("the competitor holds a range within the floor")
            } catch {
                #expect(error.sqlState == .lockNotAvailable)
            }
            try other.execute("COMMIT", deadline: .soon)
            #expect(try connection.rowCount("ingest.ledger") == 3)
        }
    }

    @Test func remembersWhichServerTookTheCommits() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let store = DestinationStore(connection)
            #expect(try store.noted(deadline: .soon) == nil)
            let current = try store.current(deadline: .soon)
            #expect(current.systemIdentifier != nil)
            #expect(current.timeline == 1)
            try store.note(ServerIdentity(systemIdentifier: .max, timeline: 3), deadline: .soon)
            #expect(try store.noted(deadline: .soon) == ServerIdentity(systemIdentifier: .max, timeline: 3))
            try store.note(current, deadline: .soon)
            #expect(try store.noted(deadline: .soon) == current)
            try store.note(ServerIdentity(systemIdentifier: nil, timeline: nil), deadline: .soon)
            #expect(try store.noted(deadline: .soon)?.systemIdentifier == nil)
        }
    }

    /// Taken for "it does not say", it would look like another server.
    @Test func aFailureToAskForTheIdentityIsNoAnswer() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute("BEGIN", deadline: .soon)
            _ = try? connection.execute("SELECT 1 / 0", deadline: .soon)
            #expect(throws: PostgresError.self) { try DestinationStore(connection).current(deadline: .soon) }
        }
    }

    @Test func aServerThatKeepsItsIdentityToItselfIsNoFailure() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let role = "nosy_\(connection.serverProcessID)"
            try connection.execute(
                """
                REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; CREATE ROLE \(role); SET ROLE \(role)
                """, deadline: .soon)
            let identity = try DestinationStore(connection).current(deadline: .soon)
            #expect(identity.systemIdentifier == nil)
            #expect(identity.timeline == 1)
        }
    }
}

extension PostgresConnection {
    /// The transaction under way may wait for as long as the test takes.
    fileprivate func mayBeIdle() throws(PostgresError) {
        try execute("SET LOCAL idle_in_transaction_session_timeout = 0", deadline: .soon)
    }
}
