import Foundation
import PostgresWire
import Testing

@Suite struct ConnectionTests {
    @Test func readsTypedRows() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let rows = try connection.query(
                "SELECT $1::bigint AS n, $2::text AS t, $3::bytea AS b, true AS yes, NULL::int AS nothing",
                ["-42", "grün", "\\x00ff27"], deadline: .soon)
            let row = try #require(rows.first)
            #expect(rows.tag == "SELECT 1")
            #expect(try row.integer("n") == -42)
            #expect(try row.text("t") == "grün")
            #expect(try row.bytes("b") == [0, 0xFF, 0x27])
            #expect(try row.isTrue("yes"))
            #expect(try row.integer("nothing") == nil)
            #expect(failure { () throws(PostgresError) in try row.requiredInteger("nothing") }?.kind == .decoding)
            #expect(failure { () throws(PostgresError) in try row.text("absent") }?.kind == .decoding)
            #expect(failure { () throws(PostgresError) in try row.integer("t") }?.kind == .decoding)
        }
    }

    /// Somebody may have set the database so, and behind a pooler a session cannot be set otherwise.
    @Test func bytesAreTheSameInADatabaseOfOldSettings() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute("SET bytea_output = escape; SET standard_conforming_strings = off", deadline: .soon)
            let bytes: [UInt8] = [0, 0x5C, 0x78, 0x27, 0x31, 0x5C, 0x5C, 0x7F, 0xFF]
            let rows = try connection.query(
                "SELECT \(SQLText.byteaLiteral(bytes)) AS b, ''::bytea AS none, \(SQLText.textLiteral("it's\\x")) AS t",
                deadline: .soon)
            #expect(try rows[0].bytes("b") == bytes)
            #expect(try rows[0].bytes("none") == [])
            #expect(try rows[0].text("t") == "it's\\x")
            #expect(connection.takeNotices().isEmpty)
        }
    }

    @Test func passesNullAndRefusesNULCharacters() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let rows = try connection.query("SELECT $1::text IS NULL AS gone", [nil], deadline: .soon)
            #expect(try rows[0].isTrue("gone"))
            let error = failure { () throws(PostgresError) in
                try connection.query("SELECT $1::text", ["a\0b"], deadline: .soon)
            }
            #expect(error?.kind == .configuration)
            #expect(connection.isOpen)
        }
    }

    @Test func tellsWhatTheServerSaidAndGoesOn() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute(
                "CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0)); INSERT INTO t VALUES (1)", deadline: .soon)
            let error = try #require(
                failure { () throws(PostgresError) in
                    try connection.execute("INSERT INTO t VALUES (-1)", deadline: .soon)
                })
            #expect(error.kind == .server)
            #expect(error.sqlState == SQLState("23514"))
            #expect(error.sqlState?.errorClass == "23")
            #expect(error.table == "t")
            #expect(error.schema == "public")
            #expect(error.constraint == "positive")
            #expect(!error.isConnectionLost)
            #expect(try connection.query("SELECT count(*) AS n FROM t", deadline: .soon)[0].integer("n") == 1)
        }
    }

    @Test func collectsNoticesAndWarnings() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let sql = "DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful' USING ERRCODE = '01000'; END $$"
            try connection.execute(sql, deadline: .soon)
            let notices = connection.takeNotices()
            #expect(notices.map(\.severity) == ["NOTICE", "WARNING"])
            #expect(notices.map(\.isWarning) == [false, true])
            #expect(notices.last?.sqlState == SQLState("01000"))
            #expect(connection.takeNotices().isEmpty)
            let many = "DO $$ BEGIN FOR i IN 1..500 LOOP RAISE NOTICE '%', i; END LOOP; RAISE WARNING 'last'; END $$"
            try connection.execute(many, deadline: .soon)
            let kept = connection.takeNotices()
            #expect(kept.count == 100)
            #expect(kept.filter(\.isWarning).map(\.message) == ["last"])
        }
    }

    @Test func namesTheSessionAndItsTransaction() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect("millrace/w1/3")
            let row = try connection.query(
                "SELECT application_name AS a, pid, current_setting('client_encoding') AS e FROM pg_stat_activity "
                    + "WHERE pid = pg_backend_pid()", deadline: .soon)[0]
            #expect(try row.text("a") == "millrace/w1/3")
            #expect(try row.text("e") == "UTF8")
            #expect(try row.integer("pid") == Int64(connection.serverProcessID))
            #expect(connection.serverVersion >= 130_000)
            #expect(connection.transactionStatus == .idle)
            try connection.execute("BEGIN", deadline: .soon)
            #expect(connection.transactionStatus == .inTransaction)
            _ = failure { () throws(PostgresError) in try connection.execute("SELECT 1/0", deadline: .soon) }
            #expect(connection.transactionStatus == .inFailedTransaction)
            #expect(try connection.execute("COMMIT", deadline: .soon) == "ROLLBACK")
            try connection.execute("BEGIN", deadline: .soon)
            try connection.reset(deadline: .soon)
            #expect(connection.transactionStatus == .idle)
            connection.close()
            #expect(connection.transactionStatus == .unknown)
            #expect(connection.socket == -1)
        }
    }

    @Test func aTerminatedSessionIsLostAndKeepsTheCode() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let victim = try database.connect()
            let killer = try database.connect()
            _ = try killer.query(
                "SELECT pg_terminate_backend($1, 5000)", [String(victim.serverProcessID)], deadline: .soon)
            let error = failure { () throws(PostgresError) in try victim.query("SELECT 1", deadline: .soon) }
            #expect(error?.isConnectionLost == true)
            #expect(error?.sqlState == SQLState("57P01"))
            #expect(!victim.isOpen)
        }
    }

    @Test func quotedHostileNamesNameOneThing() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            for name in ["x\"; DROP TABLE users; --", "sp ace", "ünïcode", "a.b", "SELECT", "E'\\x'", "new\nline"] {
                let table = TableName(schema: "public", name)
                try connection.execute("CREATE TABLE \(table.quoted()) (a int)", deadline: .soon)
                let rows = try connection.query(
                    "SELECT count(*) AS n FROM pg_class WHERE relname = $1", [name], deadline: .soon)
                #expect(try rows[0].integer("n") == 1)
                let literal = try connection.query("SELECT \(SQLText.quoteLiteral(name)) AS t", deadline: .soon)
                #expect(try literal[0].text("t") == name)
            }
        }
    }

    @Test func saysWhyNoSessionOpens() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let refused = failure { () throws(PostgresError) in
                try PostgresConnection.connect(
                    to: PostgresEndpoint("host=127.0.0.1 port=1 user=x"), applicationName: "x")
            }
            #expect(refused?.kind == .connect)
            #expect(refused?.sqlState == nil)
            var parts = try #require(URLComponents(string: database.url))
            parts.path = "/no_such_database"
            let missing = failure { () throws(PostgresError) in
                try PostgresConnection.connect(to: PostgresEndpoint(parts.string ?? ""), applicationName: "x")
            }
            #expect(missing?.sqlState == SQLState("3D000"))
            #expect(missing?.description.contains("no_such_database") == true)
        }
    }
}
