import IngestCore
import PostgresCopy
import PostgresWire
import Records
import Testing

/// Items of which a part can be sent.
private struct ItemRows: SlicedCopySource {
    let items: [Item]

    func withPieces(_ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void) throws(PostgresError) {
        try CopyPieces(binary(items)).withPieces(body)
    }

    func withPieces(
        ofRows range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        try CopyPieces(binary(Array(items[range]))).withPieces(body)
    }
}

/// One transaction per batch, in which every row that the database refuses becomes a letter.
@Suite struct IsolationTests {
    private func letter(_ row: RefusedRow) -> DeadLetter {
        DeadLetter(
            source: SourceNumber(rawValue: 1), id: StreamID(milliseconds: UInt64(row.row + 1), sequence: 0),
            stream: StreamKey("s"), content: .fields([]),
            rejection: Rejection(.refused, sqlState: row.error.sqlState?.code))
    }

    /// As lanes do.
    private func judge(_ error: PostgresError) -> RefusalVerdict {
        if error.isSuppressedRow { return .row(confirmations: 1) }
        let failure = FailureClass(
            sqlState: error.sqlState?.code, isConnectionLost: false, namesLine: error.copyLocation != nil)
        guard case .isolate(let isolation) = failure else { return .abort }
        return .row(
            confirmations: isolation.loneFailures, isDoubtful: isolation.stopsWhenAllFailAlike,
            trustsLine: isolation.trustsLine)
    }

    private func commit(
        _ session: CommitSession, _ items: [Item], _ policy: ConflictPolicy = .error,
        limits: IsolationLimits = IsolationLimits(), from first: UInt64 = 1, refusing most: Int = .max,
        refusedBefore: Int = 0
    ) throws -> IsolationReport {
        let target = try session.connection.target(policy)
        let unit = CommitUnit(ranges: [range(first, first + UInt64(items.count) - 1)])
        var letters = 0
        return session.commitIsolating(
            unit,
            rows: [
                IsolatedRows(
                    target: target, count: items.count, source: ItemRows(items: items), isStaged: false,
                    refusedBefore: refusedBefore)
            ],
            limits: limits, deadline: .soon, judge: judge
        ) { row in
            letters += 1
            return letters > most ? nil : letter(row)
        }
    }

    private func segments(_ rows: Int) -> IsolationLimits {
        var limits = IsolationLimits()
        limits.segmentRows = rows
        return limits
    }

    private func letters(_ connection: PostgresConnection) throws -> [Int64] {
        try connection.query(
            "SELECT split_part(ingest.stream_id(id), '-', 1)::bigint AS n FROM ingest.dead_letter ORDER BY 1",
            deadline: .soon
        ).map { try $0.requiredInteger("n") }
    }

    @Test(arguments: [
        [1], [100], [10], [11], [50, 51, 52], [1, 100], Array(1...9), Array(stride(from: 2, through: 100, by: 2)),
    ])
    func everyRowButTheBadOnesIsStoredWhereverTheyAre(bad: [Int]) async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", CHECK (k > 0)")
            let items = (1...100).map { Item(bad.contains($0) ? -Int64($0) : Int64($0)) }
            let report = try commit(session, items, limits: segments(10))
            #expect(report.commit.isDurable)
            #expect(report.tables[0].stored == 100 - bad.count && report.tables[0].refused == bad.count)
            #expect(try connection.rowCount("items") == Int64(100 - bad.count))
            #expect(try connection.number("SELECT count(DISTINCT k) FROM items") == Int64(100 - bad.count))
            #expect(try letters(connection) == bad.map(Int64.init))
            #expect(try connection.number("SELECT sum(n) FROM ingest.ledger") == 100)
        }
    }

    /// An error of a foreign key names no line.
    @Test func rowsThatNoLineNamesAreFoundByHalving() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.execute(
                "CREATE TABLE parent (k bigint PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 1000)",
                deadline: .soon)
            try connection.makeItems(", FOREIGN KEY (k) REFERENCES parent")
            let bad: Set = [3, 4, 77]
            let items = (1...100).map { Item(bad.contains($0) ? Int64(5_000 + $0) : Int64($0)) }
            let report = try commit(session, items)
            #expect(report.commit.isDurable)
            #expect(try connection.rowCount("items") == 97)
            #expect(try letters(connection) == [3, 4, 77])
        }
    }

    /// A row that is too large fails when COPY writes a buffer of rows, and then it names the last of them.
    @Test func aRowThatIsTooLargeIsFoundAlthoughCOPYNamesAnother() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            try connection.execute("ALTER TABLE items ALTER v SET STORAGE PLAIN", deadline: .soon)
            // A buffer holds 1,000 rows: it is full with the last one, which is then the one that is named.
            let items = (1...1_000).map { Item(Int64($0), $0 == 1 ? String(repeating: "x", count: 9_000) : "v") }
            let report = try commit(session, items)
            #expect(report.commit.isDurable)
            #expect(try letters(connection) == [1])
            #expect(try connection.number("SELECT count(DISTINCT k) FROM items WHERE k > 1") == 999)
        }
    }

    /// What triggers raise without meaning to: a CASE without ELSE, a subquery of two rows, a code of their own.
    @Test(arguments: [
        ("CASE NEW.v WHEN 'v' THEN NULL; END CASE", "20000"),
        ("PERFORM (SELECT 1 FROM generate_series(1, CASE NEW.v WHEN 'v' THEN 1 ELSE 2 END))", "21000"),
        ("IF NEW.v <> 'v' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'MY001'; END IF", "MY001"),
    ])
    func rowsThatATriggerFailsForAreFoundWhateverItsCode(statement: String, code: String) async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            try connection.execute(
                """
                CREATE FUNCTION check_item() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(statement); RETURN NEW; END $$;
                CREATE TRIGGER checker BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION check_item()
                """, deadline: .soon)
            let report = try commit(session, (1...100).map { Item($0, $0 == 40 ? "bad" : "v") })
            #expect(report.commit.isDurable)
            #expect(try letters(connection) == [40])
            #expect(try connection.rowCount("items") == 99)
            let state = try connection.query("SELECT sqlstate FROM ingest.dead_letter", deadline: .soon)
            #expect(try state.map { try $0.text("sqlstate") } == [code])
        }
    }

    @Test func aTableThatRefusesEverythingGetsNoLetters() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", CHECK (k < 0)")
            let report = try commit(session, (1...60).map { Item($0) })
            guard case .tableRefused(0, let error) = report.end else {
                Issue.record("\(report.end)")
                return
            }
            #expect(error.sqlState?.code == "23514")
            #expect(try connection.rowCount("ingest.dead_letter") == 0)
            #expect(try connection.rowCount("ingest.ledger") == 0)
            // Few bad rows are more likely than a broken table, unless it has taken none for long.
            #expect(try commit(session, (1...19).map { Item($0) }).commit.isDurable)
            #expect(try connection.rowCount("ingest.dead_letter") == 19)
            guard case .tableRefused = try commit(session, [Item(7)], from: 100, refusedBefore: 19).end else {
                Issue.record("20 in a row")
                return
            }
        }
    }

    /// Otherwise a run of bad rows at the head of a backlog would hold the table for ever.
    @Test func badRowsThatStandTogetherAreNotTheTable() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems(", CHECK (k > 30)")
            let report = try commit(session, (1...40).map { Item($0) })
            #expect(report.commit.isDurable)
            #expect(report.tables[0].stored == 10 && report.tables[0].refused == 30)
            #expect(try session.connection.number("SELECT count(DISTINCT k) FROM items") == 10)
        }
    }

    @Test func moreLettersThanOneTransactionHoldsLeaveNothing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems(", CHECK (k > 3)")
            let report = try commit(session, (1...10).map { Item($0) }, refusing: 2)
            guard case .tooMuch = report.end else {
                Issue.record("\(report.end)")
                return
            }
            #expect(report.commit.isIdle && !report.commit.isConnectionLost)
            #expect(try session.connection.rowCount("items") == 0)
        }
    }

    @Test func whatIsInTheLedgerAlreadyIsAConflict() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            #expect(try commit(session, [Item(1)], from: 7).commit.isDurable)
            let second = try commit(session, [Item(1), Item(2)], from: 7)
            #expect(second.commit.isConflict)
            #expect(try session.connection.rowCount("items") == 1)
        }
    }

    @Test func aRowThatIsThereAlreadySendsTheRestThroughStaging() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", UNIQUE (k), CHECK (k > 0)")
            try connection.execute("INSERT INTO items VALUES (5, 'old', NULL)", deadline: .soon)
            let items = (1...20).map { Item($0 == 9 ? -9 : $0) }
            for round in 1...2 {
                let report = try commit(
                    session, items, .ignore(key: ["k"]), limits: segments(4), from: UInt64(round * 100))
                #expect(report.commit.isDurable)
                #expect(report.tables[0].wentToStaging)
                #expect(report.tables[0].refused == 1)
                #expect(report.tables[0].duplicates == (round == 1 ? 1 : 19))
                #expect(try connection.rowCount("items") == 19)
                try connection.execute("DELETE FROM ingest.dead_letter", deadline: .soon)
            }
        }
    }

    @Test func rowsThatATriggerTakesAwayAreFound() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            try connection.execute(
                """
                CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN IF NEW.k % 30 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
                CREATE TRIGGER dropper BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION drop_some()
                """, deadline: .soon)
            let report = try commit(session, (1...100).map { Item($0) })
            #expect(report.commit.isDurable)
            #expect(try connection.rowCount("items") == 97)
            #expect(try letters(connection) == [30, 60, 90])
        }
    }

    @Test func whatNoRowIsToBlameForEndsTheTransaction() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            try session.connection.makeItems()
            let target = try session.connection.target()
            try session.connection.execute("ALTER TABLE items DROP COLUMN v", deadline: .soon)
            let report = session.commitIsolating(
                CommitUnit(ranges: [range(1, 1)]),
                rows: [IsolatedRows(target: target, count: 1, source: ItemRows(items: [Item(1)]), isStaged: false)],
                deadline: .soon, judge: judge, letter: letter)
            #expect(report.commit.failure?.sqlState?.code == "42703")
            #expect(report.commit.failedTable == 0)
            #expect(!report.commit.mayHaveCommitted && report.commit.isIdle)
        }
    }
}
