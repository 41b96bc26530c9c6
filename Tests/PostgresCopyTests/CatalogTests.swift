import PostgresCopy
import PostgresWire
import Testing

@Suite struct CatalogTests {
    @Test func describesColumnsAsTheyAre() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute(
                """
                CREATE DOMAIN inner_price AS numeric(12,3); CREATE DOMAIN price AS inner_price NOT NULL;
                CREATE TABLE odd (id int GENERATED ALWAYS AS IDENTITY, "Mixed ""Case" varchar(7) NOT NULL, p price,
                  plain numeric, tags text[], sum int GENERATED ALWAYS AS (1 + 1) STORED, d date DEFAULT now(),
                  dropped int, short text CHECK (length(short) <= 12), chars text CHECK (char_length(chars) <= 9));
                ALTER TABLE odd DROP COLUMN dropped
                """, deadline: .soon)
            let table = try Catalog(connection).describe(TableName("odd"), deadline: .soon)
            #expect(table.name == TableName(schema: "public", "odd"))
            let names = ["id", "Mixed \"Case", "p", "plain", "tags", "sum", "d", "short", "chars"]
            #expect(table.columns.map(\.name) == names)
            let price = try #require(table.column("p"))
            #expect(price.typeName == "numeric")
            #expect(price.typmod == (12 << 16 | 3) + 4)
            #expect(price.isNotNull)
            #expect(price.declaredType == "price")
            #expect(table.column("Mixed \"Case")?.typmod == 11)
            #expect(table.column("plain")?.typmod == -1)
            #expect(table.column("tags")?.typeName == "_text")
            #expect(table.column("tags")?.elementOID == 25)
            #expect(table.column("plain")?.elementOID == nil)
            #expect(table.column("id")?.hasDefault == true)
            #expect(table.column("d")?.hasDefault == true)
            #expect(table.column("sum")?.isGenerated == true)
            #expect(table.column("short")?.checkLength == 12)
            #expect(table.column("chars")?.checkLength == 9)
            #expect(table.column("plain")?.checkLength == nil)
        }
    }

    @Test func describesTheMarketTables() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let catalog = Catalog(try database.connect())
            let trades = try catalog.describe(TableName("market_data_trades"), deadline: .soon)
            #expect(trades.rowTriggers.isEmpty)
            #expect(trades.isPermanent && trades.mayInsert && !trades.hasRowSecurity && trades.kind == "r")
            #expect(
                trades.uniqueIndexes == [
                    UniqueIndex(
                        name: "idx_trades_exchange_symbol_time", columns: ["exchange", "symbol", "time", "trade_id"])
                ])
            #expect(trades.column("price")?.typmod == 2_490_390 as Int32)
            #expect(trades.column("symbol")?.checkLength == 64)
            #expect(trades.uniqueIndex(over: ["trade_id", "time", "symbol", "exchange"]) != nil)
            #expect(trades.uniqueIndex(over: ["exchange", "symbol", "time"]) == nil)
        }
    }

    @Test func namesWhatIsMissing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let missing = TableName(schema: "nowhere", "items")
            #expect(
                problem { () throws(TargetProblem) in try Catalog(connection).describe(missing, deadline: .soon) }
                    == .noTable(missing))
            try connection.makeItems()
            let items = TableName(schema: "public", "items")
            #expect(
                problem { () throws(TargetProblem) in try connection.target(columns: ["k", "prize"]) }
                    == .noColumn(items, column: "prize"))
            #expect(
                problem { () throws(TargetProblem) in try connection.target(.ignore(key: ["k"])) }
                    == .noUniqueKey(items, key: ["k"]))
        }
    }

    @Test func refusesTablesThatCannotHoldAcknowledgedRows() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute(
                """
                CREATE UNLOGGED TABLE lossy (k int); CREATE VIEW seen AS SELECT 1 AS k;
                CREATE TABLE generated (k int, g int GENERATED ALWAYS AS (k) STORED);
                CREATE TABLE ruled (k int PRIMARY KEY); CREATE RULE r AS ON INSERT TO ruled DO INSTEAD NOTHING;
                CREATE TABLE optional_key (k int UNIQUE, v int)
                """, deadline: .soon)
            func name(_ table: String) -> TableName { TableName(schema: "public", table) }
            let cases: [(String, [String], ConflictPolicy, TargetProblem)] = [
                ("lossy", ["k"], .error, .notPermanent(name("lossy"))),
                ("seen", ["k"], .error, .notATable(name("seen"), kind: "v")),
                ("generated", ["g"], .error, .generatedColumn(name("generated"), column: "g")),
                ("ruled", ["k"], .ignore(key: ["k"]), .rules(name("ruled"))),
                (
                    "optional_key", ["k", "v"], .update(key: ["k"], version: ["v"]),
                    .nullableKey(name("optional_key"), column: "k")
                ),
                ("ruled", ["k"], .update(key: ["k"], version: []), .noVersion(name("ruled"))),
            ]
            for (table, columns, policy, expected) in cases {
                let found = problem { () throws(TargetProblem) in
                    try connection.target(table, columns: columns, policy)
                }
                #expect(found == expected)
            }
        }
    }

    @Test func seesRightsAndRowSecurityOfThisUser() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let admin = try database.connect()
            let role = "reader_\(admin.serverProcessID)"
            try admin.execute(
                """
                CREATE ROLE \(role); CREATE TABLE closed (k int); CREATE TABLE guarded (k int);
                GRANT INSERT ON guarded TO \(role); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; SET ROLE \(role)
                """, deadline: .soon)
            #expect(
                problem { () throws(TargetProblem) in try admin.target("closed", columns: ["k"]) }
                    == .missingRight(TableName(schema: "public", "closed"), right: "INSERT"))
            #expect(
                problem { () throws(TargetProblem) in try admin.target("guarded", columns: ["k"]) }
                    == .rowSecurity(TableName(schema: "public", "guarded")))
        }
    }

    @Test func findsTriggersThatCanDropRows() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute(
                """
                CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                CREATE TABLE parted (k int, PRIMARY KEY (k)) PARTITION BY RANGE (k);
                CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
                CREATE TRIGGER dropper BEFORE INSERT ON part1 FOR EACH ROW EXECUTE FUNCTION drop_it();
                CREATE TABLE after_only (k int);
                CREATE TRIGGER later AFTER INSERT ON after_only FOR EACH ROW EXECUTE FUNCTION drop_it()
                """, deadline: .soon)
            #expect(try connection.target("parted", columns: ["k"]).hasRowTriggers)
            #expect(try !connection.target("after_only", columns: ["k"]).hasRowTriggers)
            #expect(
                problem { () throws(TargetProblem) in
                    try connection.target("parted", columns: ["k"], .ignore(key: ["k"]))
                } == .rowTriggers(TableName(schema: "public", "parted"), triggers: ["dropper"]))
        }
    }
}
