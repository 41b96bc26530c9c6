import PostgresCopy
import PostgresWire
import Records
import Testing

@Suite struct CommitTests {
    @Test func storesRowsRangesAndLineageTogether() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            let target = try connection.target()
            let batch = try #require(HexUUID("0190aaaa-0000-7000-8000-000000000001"))
            var lineage = BatchLineage(
                id: batch, worker: "w'1", lane: 3, sealedBy: "rows", bytes: 99, readAtMicroseconds: 1_000_000)
            lineage.earlier.rows = 5
            lineage.earlier.ranges = [range(1, 5)]
            let unit = CommitUnit(
                rows: [rows(target, [Item(1), Item(2), Item(3)])], ranges: [range(10, 12)], lineage: lineage)
            let report = session.commit(unit, deadline: .soon)
            #expect(report.isDurable)
            #expect(report.tables.map(\.name) == [target.table])
            #expect(report.tables[0].stored == 3)
            #expect(report.tables[0].duplicates == 0)
            #expect(report.finalTag == "COMMIT")
            #expect(try connection.rowCount("items") == 3)
            let row = try connection.query(
                """
                SELECT *, (SELECT count(*) FROM ingest.batch_range r WHERE r.batch = b.batch) AS ranges,
                       extract(epoch FROM read_at)::bigint AS read FROM ingest.batch b
                """, deadline: .soon)[0]
            #expect(try row.text("worker") == "w'1")
            #expect(try row.text("tables") == "{public.items}")
            #expect(try row.integer("rows") == 8)
            #expect(try row.integer("duplicates") == 0)
            #expect(try row.integer("ranges") == 2)
            #expect(try row.integer("read") == 1)
            #expect(try LedgerStore(connection).entries(of: SourceNumber(rawValue: 1), deadline: .soon).count == 3)
        }
    }

    @Test func doesOtherWorkBetweenTheTwoPhases() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let target = try session.connection.target()
            for batch in 0..<5 as Range<UInt64> {
                session.begin(
                    CommitUnit(rows: [rows(target, [Item(1)])], ranges: [range(batch, batch)]), deadline: .soon)
                #expect(session.isPending)
                #expect(session.collect(deadline: .soon).isDurable)
                #expect(!session.isPending)
            }
            #expect(try session.connection.rowCount("items") == 5)
        }
    }

    @Test func storesTwoTablesOrNone() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            try connection.execute(
                "CREATE TABLE a_items (LIKE items); ALTER TABLE items ADD CHECK (k > 0)", deadline: .soon)
            let (items, others) = (try connection.target(), try connection.target("a_items"))
            let good = CommitUnit(
                rows: [rows(items, [Item(1)]), rows(others, [Item(2), Item(3)])], ranges: [range(1, 3)])
            #expect(good.rows.map(\.target.table.name) == ["a_items", "items"])
            let report = session.commit(good, deadline: .soon)
            #expect(report.isDurable)
            #expect(report.tables.map(\.copied) == [2, 1])
            let bad = CommitUnit(
                rows: [rows(items, [Item(-1)]), rows(others, [Item(4)])], ranges: [range(4, 5)])
            let failed = session.commit(bad, deadline: .soon)
            #expect(!failed.isDurable)
            #expect(failed.failure?.sqlState == SQLState("23514"))
            #expect(failed.failure?.copyLocation?.line == 1)
            #expect(failed.failedTable == 1)
            #expect(!failed.isConnectionLost)
            #expect(connection.transactionStatus == .idle)
            #expect(try connection.rowCount("a_items") == 2)
            #expect(try connection.rowCount("ingest.ledger") == 1)
        }
    }

    @Test func aConflictLeavesNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            let target = try connection.target()
            #expect(
                session.commit(CommitUnit(rows: [rows(target, [Item(1)])], ranges: [range(5, 9)]), deadline: .soon)
                    .isDurable)
            let again = CommitUnit(rows: [rows(target, [Item(2)])], ranges: [range(1, 4), range(9, 20)])
            let report = session.commit(again, deadline: .soon)
            #expect(report.isConflict)
            #expect(!report.isDurable)
            #expect(!report.isConnectionLost)
            #expect(connection.transactionStatus == .idle)
            #expect(try connection.rowCount("items") == 1)
            #expect(try connection.rowCount("ingest.ledger") == 1)
        }
    }

    @Test func sortsRangesSoThatTheFenceTakesThemInOneOrder() {
        let unit = CommitUnit(ranges: [range(9, 9, source: 2), range(5, 6), range(1, 2), range(1, 2, source: 2)])
        #expect(unit.ranges.map(\.source.rawValue) == [1, 1, 2, 2])
        #expect(unit.ranges.map(\.ids.lower.milliseconds) == [1, 5, 1, 9])
    }

    @Test func twoSessionsNeverBothCommitARange() async throws {
        let database = try await TestDatabase()
        try await onThread { try database.connect().makeItems() }
        let wins = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    try await onThread {
                        let session = try database.session()
                        let target = try session.connection.target()
                        var durable = 0
                        for start in stride(from: 0, to: 400, by: 10) as StrideTo<UInt64> {
                            let ranges = [range(start, start + 4), range(start + 5, start + 9, source: 2)]
                            let unit = CommitUnit(rows: [rows(target, [Item(Int64(start))])], ranges: ranges.reversed())
                            let report = session.commit(unit, deadline: .soon)
                            #expect(report.isDurable || report.isConflict)
                            if report.isDurable { durable += 1 }
                        }
                        return durable
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(wins == 40)
        try await onThread {
            let connection = try database.connect()
            #expect(try connection.rowCount("items") == 40)
            #expect(try connection.rowCount("ingest.ledger") == 80)
        }
    }

    @Test func aMalformedRowFailsTheUnitButNotTheConnection() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let target = try session.connection.target()
            var bytes = binary([Item(1), Item(2)])
            bytes[19 + 5] = 3
            let bad = CommitUnit.Rows(target: target, count: 2, source: CopyPieces(bytes))
            let report = session.commit(CommitUnit(rows: [bad], ranges: [range(1, 2)]), deadline: .soon)
            #expect(report.failure?.sqlState?.errorClass == "08" || report.failure?.sqlState == SQLState("22P03"))
            #expect(!report.isConnectionLost)
            #expect(report.failedTable == 0)
            let good = CommitUnit(rows: [rows(target, [Item(1)])], ranges: [range(1, 2)])
            #expect(session.commit(good, deadline: .soon).isDurable)
        }
    }

    @Test func fewerRowsThanAnnouncedAreNotDurable() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            var lie = rows(try session.connection.target(), [Item(1), Item(2)])
            lie.count = 3
            let report = session.commit(CommitUnit(rows: [lie], ranges: [range(1, 2)]), deadline: .soon)
            #expect(!report.countsAgree)
            #expect(!report.isDurable)
        }
    }

    @Test func aStatementThatMustTouchRowsIsCheckedBeforeCommit() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            let sql = "INSERT INTO items SELECT n FROM generate_series(1, 3) n"
            let wrong = session.commit(
                CommitUnit(ranges: [range(1, 1)], statements: [.init(sql, rows: 2)]), deadline: .soon)
            #expect(wrong.hasWrongStatement)
            #expect(!wrong.isDurable)
            #expect(!wrong.mayHaveCommitted)
            #expect(try connection.rowCount("items") == 0)
            let right = session.commit(
                CommitUnit(ranges: [range(1, 1)], statements: [.init(sql, rows: 3)]), deadline: .soon)
            #expect(right.isDurable)
        }
    }
}
