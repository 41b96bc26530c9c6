import PostgresCopy
import PostgresWire
import Testing

/// The two ways in which a mapping can say more about an update than "the later version stays".
@Suite struct ApplyTests {
    private static let policy = ConflictPolicy.apply(
        key: ["k"], version: ["version"], function: TableName(schema: "public", "take"))

    /// Notes the rows as they came, and takes those with an even version.
    private static let function = """
        CREATE TABLE taken (place int, k bigint, v text, version bigint, note text);
        CREATE FUNCTION take(batch items[]) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE n bigint;
        BEGIN
          INSERT INTO taken SELECT b.place, b.k, b.v, b.version, b.note FROM unnest(batch) WITH ORDINALITY
            AS b (k, v, version, note, place) WHERE b.version % 2 = 0;
          GET DIAGNOSTICS n = ROW_COUNT;
          RETURN n;
        END $$
        """

    private static func prepare(_ connection: PostgresConnection) throws {
        try connection.makeItems(", note text DEFAULT 'x', PRIMARY KEY (k)")
        try connection.execute(function, deadline: .soon)
    }

    @Test func theFunctionGetsAllRowsInOrderAndItsCountIsAccountedFor() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try Self.prepare(connection)
            let target = try connection.target(Self.policy)
            let batch = try #require(HexUUID("00000000000000000000000000000003"))
            let lineage = BatchLineage(id: batch, worker: "w", lane: 0, sealedBy: "rows", bytes: 1)
            let items = [Item(2, version: 4), Item(1, version: 8), Item(2, version: 3), Item(2, version: 2)]
            let unit = CommitUnit(rows: [rows(target, items)], ranges: [range(1, 4)], lineage: lineage)
            let report = session.commit(unit, deadline: .soon)
            #expect(report.isDurable)
            #expect(report.tables[0].stored == 3)
            #expect(report.tables[0].duplicates == 1)
            #expect(try connection.number("SELECT rows * 100 + duplicates FROM ingest.batch") == 301)
            let seen = try connection.query(
                "SELECT concat_ws(' ', place, k, version, note) AS t FROM taken ORDER BY place", deadline: .soon)
            #expect(try seen.map { try $0.requiredText("t") } == ["1 1 8", "2 2 2", "4 2 4"])
            #expect(session.commit(unit, deadline: .soon).isConflict)
            #expect(try connection.rowCount("taken") == 3)
            let empty = CommitUnit(rows: [rows(target, [])], ranges: [range(9, 9)])
            #expect(session.commit(empty, deadline: .soon).isDurable)
        }
    }

    @Test func aFunctionThatFailsStoresNothingOfTheUnit() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try Self.prepare(connection)
            try connection.execute("ALTER TABLE taken ADD CHECK (version < 5)", deadline: .soon)
            let unit = CommitUnit(
                rows: [rows(try connection.target(Self.policy), [Item(1, version: 2), Item(2, version: 6)])],
                ranges: [range(1, 2)])
            let report = session.commit(unit, deadline: .soon)
            #expect(!report.isDurable)
            #expect(report.failedTable == 0)
            #expect(try connection.rowCount("taken") == 0)
            #expect(try connection.rowCount("ingest.ledger") == 0)
        }
    }

    @Test func aMissingOrUnsuitableFunctionIsNamed() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try Self.prepare(connection)
            let items = try Catalog(connection).describe(TableName("items"), deadline: .soon)
            func check(_ function: TableName) -> TargetProblem? {
                problem { () throws(TargetProblem) in
                    try Catalog(connection).checkFunction(
                        of: .apply(key: [], version: [], function: function), for: items, deadline: .soon)
                }
            }
            #expect(check(TableName("take")) == nil)
            #expect(check(TableName(schema: "public", "take")) == nil)
            #expect(check(TableName("took")) == .noFunction(TableName("took"), for: items.name))
            try connection.execute(
                "CREATE FUNCTION give(items[]) RETURNS int LANGUAGE sql AS 'SELECT 1'", deadline: .soon)
            #expect(check(TableName("give"))?.description.contains("returning bigint") == true)
        }
    }

    @Test func theEarliestValueOfAllVersionsIsKept() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", PRIMARY KEY (k)")
            let target = try connection.target(.update(key: ["k"], version: ["version"], earliest: ["v"]))
            func commit(_ items: [Item], _ id: UInt64) throws -> [Int?] {
                let report = session.commit(
                    CommitUnit(rows: [rows(target, items)], ranges: [range(id, id)]), deadline: .soon)
                #expect(report.isDurable)
                let state = try connection.query("SELECT v || version AS t FROM items", deadline: .soon)
                #expect(try state.map { try $0.requiredText("t") } == [id == 1 ? "c5" : id < 4 ? "b5" : "a7"])
                return [report.tables[0].stored, report.tables[0].duplicates]
            }
            #expect(try commit([Item(1, "d", version: 5), Item(1, "c", version: 4)], 1) == [1, 1])
            #expect(try commit([Item(1, "b", version: 3)], 2) == [1, 0])
            #expect(try commit([Item(1, "b", version: 2), Item(1, "f", version: 1)], 3) == [0, 2])
            #expect(try commit([Item(1, "z", version: 7), Item(1, "a", version: 6)], 4) == [1, 1])
        }
    }

    @Test func updatesOfTheSameKeysInOppositeOrderDoNotDeadlock() async throws {
        let database = try await TestDatabase()
        try await onThread { try database.connect().makeItems(", PRIMARY KEY (k)") }
        let work = { @Sendable (worker: UInt64) in
            try await onThread {
                let session = try database.session()
                let target = try session.connection.target(.update(key: ["k"], version: ["version"]))
                for round in 1...40 as ClosedRange<UInt64> {
                    let keys: [Int64] = worker == 0 ? Array(0..<500) : Array((0..<500).reversed())
                    let items = keys.map { Item($0, version: Int64(round * 2 + worker)) }
                    let id = round * 2 + worker
                    let report = session.commit(
                        CommitUnit(rows: [rows(target, items)], ranges: [range(id, id)]), deadline: .soon)
                    #expect(report.isDurable, "\(String(describing: report.failure))")
                }
            }
        }
        async let first: Void = work(0)
        async let second: Void = work(1)
        _ = try await (first, second)
        try await onThread {
            let connection = try database.connect()
            #expect(try connection.number("SELECT min(version) FROM items") == 81)
        }
    }
}
