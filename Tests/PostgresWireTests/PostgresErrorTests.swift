import Testing

@testable import PostgresWire

@Suite struct PostgresErrorTests {
    @Test(
        arguments: [
            ("COPY trades, line 3, column price: \"secret\"", "trades", 3, "price"),
            ("COPY trades, line 12, column price", "trades", 12, "price"),
            ("COPY trades, line 7", "trades", 7, nil),
            ("COPY trades, line 1: \"a\tb\"", "trades", 1, nil),
            ("COPY odd, line up, line 9, column a, b: null input", "odd, line up", 9, "a, b"),
            ("PL/pgSQL function f() line 3 at RAISE\nCOPY t, line 5", "t", 5, nil),
        ] as [(String, String, Int, String?)])
    func findsTheRowToBlame(context: String, table: String, line: Int, column: String?) {
        let location = CopyLocation(context: context)
        #expect(location?.table == table)
        #expect(location?.line == line)
        #expect(location?.column == column)
    }

    @Test(arguments: ["", "COPY trades", "SQL statement \"COPY t, line 3\"", "COPY t, line x"])
    func findsNoRowWhereThereIsNone(context: String) {
        #expect(CopyLocation(context: context) == nil)
    }

    @Test func describesWithoutRowContent() {
        var error = PostgresError(.server, message: "invalid input: \"hunter2\"", sqlState: SQLState("22P02"))
        error.detail = "hunter2"
        error.context = "COPY t, line 4, column a: \"hunter2\""
        error.table = "t"
        #expect(!error.description.contains("hunter2"))
        #expect(error.description == "PostgreSQL error, SQLSTATE 22P02, table t, row 4 of the COPY")
        #expect(error.debugDescription.contains("invalid input: \"hunter2\""))
    }

    @Test(
        arguments: [
            "25006", "28000", "28P01", "3D000", "3F000", "42501", "42703", "42883", "42P01", "53100", "53300", "55P03",
            "57P01", "57P03",
        ])
    func saysWhatIsMissing(code: String) {
        let error = PostgresError(
            .server, message: "permission denied for table orders", sqlState: SQLState(code))
        #expect(error.description == "PostgreSQL error, SQLSTATE \(code): permission denied for table orders")
        #expect(error.debugDescription.ranges(of: "permission denied").count == 1)
    }

    @Test(arguments: ["22P02", "23505", "23514", "42601", "P0001"])
    func keepsWordsThatMayQuoteRowsToItself(code: String) {
        let error = PostgresError(.server, message: "row \"hunter2\" is wrong", sqlState: SQLState(code))
        #expect(error.description == "PostgreSQL error, SQLSTATE \(code)")
        #expect(error.explanation == "row \"hunter2\" is wrong (PostgreSQL error, SQLSTATE \(code))")
    }

    @Test func doesNotTrustTheWordsOfATrigger() {
        var error = PostgresError(.server, message: "hunter2 is not allowed", sqlState: .insufficientPrivilege)
        error.context = "PL/pgSQL function check_row() line 3 at RAISE"
        #expect(error.description == "PostgreSQL error, SQLSTATE 42501")
    }

    @Test(arguments: ["2350", "235055", "2350x", "23 05", ""])
    func refusesWhatIsNoCode(code: String) {
        #expect(SQLState(code) == nil)
    }

    @Test func takesARefusedLoginApart() {
        let words = """
            connection to server at "127.0.0.1", port 5432 failed: FATAL:  28P01: password authentication failed for user "u"
            LOCATION:  auth_failed, auth.c:326
            """
        let failure = LoginFailure(words: words)
        #expect(failure.sqlState == SQLState("28P01"))
        #expect(
            failure.message
                == "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  password authentication failed for user \"u\""
        )
        #expect(LoginFailure(words: "could not connect: Connection refused\n").sqlState == nil)
    }
}
