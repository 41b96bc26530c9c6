import PostgresCopy
import PostgresWire
import Testing

@Suite struct StagingTests {
    private func stored(_ connection: PostgresConnection) throws -> [String] {
        try connection.query("SELECT k || ':' || v AS t FROM items ORDER BY k NULLS LAST, v", deadline: .soon)
            .map { try $0.text("t") ?? "NULL" }
    }

    @Test func aDuplicateKeyLeadsToStagingWhichStoresTheRest() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", CONSTRAINT items_key UNIQUE (k)")
            let target = try connection.target(.ignore(key: ["k"]))
            let first = CommitUnit(rows: [rows(target, [Item(1), Item(2)])], ranges: [range(1, 2)])
            #expect(session.commit(first, deadline: .soon).isDurable)
            let lineage = try #require(HexUUID("00000000000000000000000000000002")).lineage
            let second = CommitUnit(
                rows: [rows(target, [Item(2, "again"), Item(3), Item(3, "twin")])], ranges: [range(3, 5)],
                lineage: lineage)
            let direct = session.commit(second, deadline: .soon)
            #expect(direct.duplicateKeyTable == 0)
            #expect(!direct.isDurable)
            for attempt in 0..<2 {
                let staged = session.commit(second.staging(table: 0), deadline: .soon)
                guard attempt == 0 else {
                    #expect(staged.isConflict)
                    continue
                }
                #expect(staged.isDurable)
                #expect(staged.tables[0].stored == 1)
                #expect(staged.tables[0].duplicates == 2)
            }
            #expect(try stored(connection) == ["1:v", "2:v", "3:v"])
            #expect(try connection.number("SELECT rows * 100 + duplicates FROM ingest.batch") == 102)
            #expect(try connection.rowCount("items") == 3)
        }
    }

    @Test func theStagingTableServesManyUnitsOfASession() async throws {
        let database = try await TestDatabase()
        try await onThread {
            for lifetime in [StageLifetime.session, .transaction] {
                var limits = CommitSession.Limits()
                limits.stageLifetime = lifetime
                let session = CommitSession(try database.connect(), limits: limits)
                try session.connection.execute("DROP TABLE IF EXISTS items", deadline: .soon)
                try session.connection.makeItems(", UNIQUE (k)")
                let target = try session.connection.target(.ignore(key: ["k"]))
                let base: UInt64 = lifetime == .session ? 0 : 100
                for batch in base..<(base + 4) {
                    let unit = CommitUnit(
                        rows: [rows(target, [Item(Int64(batch)), Item(0)], isStaged: true)],
                        ranges: [range(batch, batch)])
                    let report = session.commit(unit, deadline: .soon)
                    #expect(report.isDurable)
                    #expect(report.warnings.isEmpty)
                }
            }
        }
    }

    @Test func keysWithoutAnIdAreNeverDuplicates() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", UNIQUE (k)")
            let target = try connection.target(.ignore(key: ["k"]))
            for batch in 0..<2 as Range<UInt64> {
                let unit = CommitUnit(
                    rows: [rows(target, [Item(nil), Item(nil)], isStaged: true)], ranges: [range(batch, batch)])
                #expect(session.commit(unit, deadline: .soon).tables[0].stored == 2)
            }
            #expect(try connection.rowCount("items") == 4)
        }
    }

    @Test func theLaterVersionStays() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems(", PRIMARY KEY (k)")
            let target = try connection.target(.update(key: ["k"], version: ["version", "v"]))
            #expect(target.alwaysStages)
            func commit(_ items: [Item], _ id: UInt64) -> CommitReport {
                session.commit(CommitUnit(rows: [rows(target, items)], ranges: [range(id, id)]), deadline: .soon)
            }
            let first = commit([Item(1, "b", version: 5), Item(1, "a", version: 5), Item(2, "x", version: 1)], 1)
            #expect(first.isDurable)
            #expect(first.tables[0].stored == 2)
            #expect(first.tables[0].duplicates == 1)
            #expect(try stored(connection) == ["1:b", "2:x"])
            let second = commit(
                [Item(1, "old", version: 4), Item(2, "y", version: 2), Item(3, "none", version: nil)], 2)
            #expect(second.tables[0].stored == 2)
            #expect(try stored(connection) == ["1:b", "2:y", "3:none"])
            #expect(commit([Item(3, "some", version: 0), Item(1, "c", version: 5)], 3).tables[0].stored == 2)
            #expect(try stored(connection) == ["1:c", "2:y", "3:some"])
            #expect(commit([Item(3, "late", version: nil), Item(1, "c", version: 5)], 4).tables[0].stored == 0)
            #expect(try stored(connection) == ["1:c", "2:y", "3:some"])
        }
    }

    /// The index of a chunk has a name of its own, so that it cannot be told whether it is the key's.
    @Test func aDuplicateInAChunkGoesThroughStagingAndAnotherIndexsStillFails() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.execute(
                """
                CREATE TABLE h (k timestamptz NOT NULL, v text, version bigint);
                SELECT create_hypertable('h', 'k', create_default_indexes => false);
                CREATE UNIQUE INDEX h_key ON h (k, v); CREATE UNIQUE INDEX h_other ON h (k, version)
                """, deadline: .soon)
            let target = try connection.target("h", .ignore(key: ["k", "v"]))
            func unit(_ item: Item, _ id: UInt64) -> CommitUnit {
                CommitUnit(rows: [rows(target, [item])], ranges: [range(id, id)])
            }
            #expect(session.commit(unit(Item(0, "a", version: 1), 1), deadline: .soon).isDurable)
            let key = session.commit(unit(Item(0, "a", version: 2), 2), deadline: .soon)
            #expect(key.failure?.constraint?.hasPrefix("_hyper_") == true)
            #expect(key.duplicateKeyTable == 0)
            #expect(session.commit(unit(Item(0, "a", version: 2), 2).staging(table: 0), deadline: .soon).isDurable)
            let other = session.commit(unit(Item(0, "b", version: 1), 3).staging(table: 0), deadline: .soon)
            #expect(other.failure?.sqlState == .uniqueViolation)
            #expect(other.failedTable == 0 && other.duplicateKeyTable == nil)
            #expect(try connection.rowCount("h") == 1)
        }
    }

    /// So has the index of a partition.
    @Test func aResendToAPartitionedTableWithTwoKeysIsADuplicate() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.execute(
                """
                CREATE TABLE split (k bigint, v text, version bigint, PRIMARY KEY (k, version), UNIQUE (k, v))
                  PARTITION BY RANGE (k);
                CREATE TABLE split_all PARTITION OF split FOR VALUES FROM (MINVALUE) TO (MAXVALUE)
                """, deadline: .soon)
            let target = try connection.target("split", .ignore(key: ["k", "v"]))
            func unit(_ item: Item, _ id: UInt64) -> CommitUnit {
                CommitUnit(rows: [rows(target, [item])], ranges: [range(id, id)])
            }
            #expect(session.commit(unit(Item(1, "a", version: 1), 1), deadline: .soon).isDurable)
            let resend = session.commit(unit(Item(1, "a", version: 2), 2), deadline: .soon)
            #expect(resend.failure?.constraint == "split_all_k_v_key")
            #expect(resend.duplicateKeyTable == 0)
            let staged = session.commit(unit(Item(1, "a", version: 2), 2).staging(table: 0), deadline: .soon)
            #expect(staged.isDurable)
            #expect(staged.tables[0].duplicates == 1)
        }
    }

    @Test func needsNoRightToReadTheTargetsOtherColumns() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let admin = try database.connect()
            let role = "writer_\(admin.serverProcessID)"
            try admin.makeItems(", UNIQUE (k)")
            try admin.execute(
                """
                CREATE ROLE \(role); GRANT USAGE ON SCHEMA ingest TO \(role); GRANT INSERT, SELECT (k) ON items TO \(role);
                GRANT SELECT, INSERT ON ingest.ledger TO \(role); SET ROLE \(role)
                """, deadline: .soon)
            let session = CommitSession(admin)
            let target = try admin.target(.ignore(key: ["k"]))
            let unit = CommitUnit(rows: [rows(target, [Item(1), Item(1)], isStaged: true)], ranges: [range(1, 2)])
            let report = session.commit(unit, deadline: .soon)
            #expect(report.isDurable)
            #expect(report.tables[0].duplicates == 1)
        }
    }
}

extension HexUUID {
    fileprivate var lineage: BatchLineage {
        BatchLineage(id: self, worker: "w", lane: 0, sealedBy: "rows", bytes: 1)
    }
}
