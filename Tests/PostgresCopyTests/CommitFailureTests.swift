import IngestTesting
import LocalServices
import Migrations
import PostgresCopy
import PostgresWire
import Records
import Testing

@Suite struct CommitFailureTests {
    /// A second session that keeps a range of the ledger locked until it is told to end.
    private func hold(_ ids: ClosedRange<UInt64>, in database: TestDatabase) throws -> PostgresConnection {
        let holder = try database.connect("holder")
        let lower = range(ids.lowerBound, ids.upperBound).ids.lower.uuidHex
        let upper = range(ids.lowerBound, ids.upperBound).ids.upper.uuidHex
        try holder.execute(
            "BEGIN; SELECT ingest.fence('{1}', '{\(lower)}', '{\(upper)}', '{1}')", deadline: .soon)
        return holder
    }

    private func unit(_ target: CopyTarget) -> CommitUnit {
        CommitUnit(rows: [rows(target, [Item(1)])], ranges: [range(1, 1)])
    }

    @Test(arguments: ["COMMIT", "ROLLBACK"])
    func theFenceWaitsForACompetitorAndThenTellsTheTruth(end: String) async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let (holder, looker) = (try hold(1...5, in: database), try database.connect("looker"))
            session.begin(try unit(session.connection.target()), deadline: .now + .seconds(90))
            try waitUntil("the fence waits") { try looker.isWaitingForALock(session.connection.serverProcessID) }
            try holder.execute(end, deadline: .soon)
            let report = session.collect(deadline: .soon)
            #expect(report.isConflict == (end == "COMMIT"))
            #expect(report.isDurable == (end == "ROLLBACK"))
            #expect(try session.connection.rowCount("items") == (end == "COMMIT" ? 0 : 1))
        }
    }

    @Test func aFrozenCompetitorEndsInALockTimeout() async throws {
        let database = try await TestDatabase()
        try await onThread {
            var limits = CommitSession.Limits()
            limits.lockTimeout = .milliseconds(100)
            let session = CommitSession(try database.connect(), limits: limits)
            try session.connection.makeItems()
            let holder = try hold(1...5, in: database)
            let target = try session.connection.target()
            let report = session.commit(unit(target), deadline: .soon)
            #expect(report.failure?.sqlState == .lockNotAvailable)
            #expect(!report.isConnectionLost)
            try holder.execute("ROLLBACK", deadline: .soon)
            #expect(session.commit(unit(target), deadline: .soon).isDurable)
        }
    }

    @Test func aSessionThatEndsBeforeCommitAnswersLeavesTheOutcomeUnknown() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let target = try session.connection.target()
            let holder = try hold(1...5, in: database)
            session.begin(unit(target), deadline: .soon)
            _ = try holder.query(
                "SELECT pg_terminate_backend($1, 5000)", [String(session.connection.serverProcessID)], deadline: .soon)
            let report = session.collect(deadline: .soon)
            #expect(report.isConnectionLost)
            #expect(report.mayHaveCommitted)
            #expect(!report.isDurable)
            #expect(!report.isConflict)
            try holder.execute("ROLLBACK", deadline: .soon)
            let next = try database.session()
            #expect(next.commit(unit(target), deadline: .soon).isDurable)
            #expect(next.commit(unit(target), deadline: .soon).isConflict)
        }
    }

    @Test func aDeadlineWhileWaitingLosesTheConnectionAndTheOutcome() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let holder = try hold(1...5, in: database)
            session.begin(try unit(session.connection.target()), deadline: .soon)
            let report = session.collect(deadline: .now + .milliseconds(200))
            #expect(report.failure?.kind == .timeout)
            #expect(report.isConnectionLost)
            #expect(report.mayHaveCommitted)
            #expect(holder.isOpen)
        }
    }

    @Test func aSessionThatEndsBeforeTheRowsAreSentHasCommittedNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let target = try session.connection.target()
            let killer = try database.connect()
            let source = Interrupted(bytes: binary([Item(1)])) { () throws(PostgresError) in
                _ = try killer.query(
                    "SELECT pg_terminate_backend($1, 5000)", [String(session.connection.serverProcessID)],
                    deadline: .soon)
            }
            let rows = CommitUnit.Rows(target: target, count: 1, source: source)
            let report = session.commit(CommitUnit(rows: [rows], ranges: [range(1, 1)]), deadline: .soon)
            #expect(report.isConnectionLost)
            #expect(!report.isDurable)
            #expect(try killer.rowCount("items") == 0)
            #expect(try killer.rowCount("ingest.ledger") == 0)
        }
    }

    @Test func anErrorInsideCommitIsAFailureNotADoubt() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.execute(
                """
                CREATE TABLE parent (k bigint PRIMARY KEY);
                CREATE TABLE items (k bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED, v text, version bigint)
                """, deadline: .soon)
            let report = session.commit(try unit(connection.target()), deadline: .soon)
            #expect(report.failure?.sqlState == SQLState("23503"))
            #expect(!report.isConnectionLost)
            #expect(report.failedTable == nil)
            #expect(try connection.rowCount("ingest.ledger") == 0)
        }
    }

    @Test func aWarningOutsideTheRowsMakesTheOutcomeDoubtful() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let doubtful = session.commit(
                CommitUnit(ranges: [range(1, 1)], statements: [.init("ROLLBACK")]), deadline: .soon)
            #expect(doubtful.finalTag == "COMMIT")
            #expect(doubtful.doubtfulWarnings == 1)
            #expect(!doubtful.isDurable)
        }
    }

    @Test func aWarningOfATriggerIsReportedAndTolerated() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            try connection.execute(
                """
                CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'odd'; RETURN NULL; END $$;
                CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION warn()
                """, deadline: .soon)
            let report = session.commit(try unit(connection.target()), deadline: .soon)
            #expect(report.isDurable)
            #expect(report.warnings.map(\.message) == ["odd"])
        }
    }

    @Test func aCancelledWaitForAStandbyIsNotDurable() async throws {
        let postgres = try await TestServices.shared.privatePostgres()
        let name = "sync_wait"
        try await postgres.createDatabase(named: name)
        let url = postgres.url(database: name)
        try await onThread {
            let endpoint = try PostgresEndpoint(url)
            let session = CommitSession(
                try PostgresConnection.connect(to: endpoint, applicationName: "x"), limits: .patient)
            let admin = try PostgresConnection.connect(to: endpoint, applicationName: "x")
            _ = try Migrator(admin).up()
            try admin.makeItems()
            let target = try admin.target()
            try admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nope'", deadline: .soon)
            try admin.execute("SELECT pg_reload_conf()", deadline: .soon)
            // The reload reaches each process in its own time.
            for connection in [admin, session.connection] {
                try waitUntil("the setting is there") {
                    try connection.query("SHOW synchronous_standby_names", deadline: .soon)[0]
                        .text("synchronous_standby_names") == "nope"
                }
            }
            session.begin(unit(target), deadline: .now + .seconds(90))
            try waitUntil("COMMIT waits for the standby") {
                try admin.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 1
            }
            _ = try admin.query(
                "SELECT pg_cancel_backend($1)", [String(session.connection.serverProcessID)], deadline: .soon)
            let report = session.collect(deadline: .soon)
            #expect(report.finalTag == "COMMIT")
            #expect(report.doubtfulWarnings == 1)
            #expect(report.warnings.first?.sqlState == SQLState("01000"))
            #expect(!report.isDurable)
        }
        await postgres.stop(mode: .immediate)
    }
}

/// Rows of which the first half is sent before something happens.
private struct Interrupted: CopySource {
    let bytes: [UInt8]
    let event: () throws(PostgresError) -> Void

    func withPieces(_ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void) throws(PostgresError) {
        let half = bytes.count / 2
        try CopyPieces([bytes[..<half]]).withPieces(body)
        try event()
        try CopyPieces([bytes[half...]]).withPieces(body)
    }
}
