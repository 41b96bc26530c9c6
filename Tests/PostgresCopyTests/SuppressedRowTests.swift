import PostgresCopy
import PostgresWire
import Testing

/// A row trigger before INSERT can drop rows without an error; the count comes only after the rest of the string ran.
@Suite struct SuppressedRowTests {
    private static let trigger = """
        CREATE FUNCTION drop_even() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN IF NEW.k % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER dropper BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION drop_even()
        """

    @Test func aKnownTriggerThatDropsRowsLeavesNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            try connection.execute(Self.trigger, deadline: .soon)
            let target = try connection.target()
            #expect(target.hasRowTriggers)
            let bad = CommitUnit(rows: [rows(target, [Item(1), Item(2)])], ranges: [range(1, 2)])
            let report = session.commit(bad, deadline: .soon)
            #expect(report.tables[0].copied == 1)
            #expect(!report.countsAgree)
            #expect(!report.isDurable)
            #expect(!report.mayHaveCommitted)
            #expect(!report.isConnectionLost)
            #expect(try connection.rowCount("items") == 0)
            #expect(try connection.rowCount("ingest.ledger") == 0)
            let good = CommitUnit(rows: [rows(target, [Item(1), Item(3)])], ranges: [range(1, 2)])
            #expect(session.commit(good, deadline: .soon).isDurable)
        }
    }

    @Test func aTriggerMadeSinceTheTableWasCheckedLeavesNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            let target = try connection.target()
            let unit = CommitUnit(rows: [rows(target, [Item(1), Item(2)])], ranges: [range(1, 2)])
            try connection.execute(Self.trigger, deadline: .soon)
            let report = session.commit(unit, deadline: .soon)
            #expect(report.isTargetChanged)
            #expect(!report.isDurable)
            #expect(try connection.rowCount("items") == 0)
            #expect(try connection.rowCount("ingest.ledger") == 0)
        }
    }

    /// However deep it is, and whoever looks: the catalog at the start, or the transaction's own guard.
    @Test func aTriggerOfAPartitionIsOneOfItsTable() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.execute(
                """
                CREATE TABLE items (k bigint, v text, version bigint) PARTITION BY RANGE (k);
                CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (k);
                CREATE TABLE lowest PARTITION OF low FOR VALUES FROM (0) TO (10)
                """, deadline: .soon)
            let target = try connection.target()
            #expect(!target.hasRowTriggers)
            let unit = CommitUnit(rows: [rows(target, [Item(1), Item(2)])], ranges: [range(1, 2)])
            try connection.execute(Self.trigger.replacing("ON items", with: "ON lowest"), deadline: .soon)
            #expect(session.commit(unit, deadline: .soon).isTargetChanged)
            #expect(try connection.target().hasRowTriggers)
            #expect(try connection.rowCount("items") == 0)
            #expect(try connection.rowCount("ingest.ledger") == 0)
        }
    }

    @Test(arguments: [
        "ALTER TABLE items SET UNLOGGED", "DROP TABLE items; CREATE TABLE items (k bigint, v text, version bigint)",
    ])
    func aTableThatIsNoLongerTheOneCheckedGetsNothing(change: String) async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            let target = try connection.target()
            try connection.execute(change, deadline: .soon)
            let unit = CommitUnit(rows: [rows(target, [Item(1)])], ranges: [range(1, 1)])
            #expect(session.commit(unit, deadline: .soon).isTargetChanged)
            #expect(try connection.rowCount("items") == 0)
        }
    }
}
