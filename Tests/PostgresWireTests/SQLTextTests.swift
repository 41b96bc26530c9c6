import PostgresWire
import Testing

@Suite struct SQLTextTests {
    @Test(arguments: [
        ("plain", "\"plain\""), ("Mixed Case", "\"Mixed Case\""), ("quo\"te", "\"quo\"\"te\""),
        ("semi;colon--", "\"semi;colon--\""), ("back\\slash", "\"back\\slash\""), ("schema.table", "\"schema.table\""),
    ])
    func quotesIdentifiers(name: String, quoted: String) throws {
        #expect(try SQLText.quoteIdentifier(name) == quoted)
    }

    @Test(arguments: ["", "nul\0inside", String(repeating: "a", count: 64), String(repeating: "ä", count: 32)])
    func refusesNamesThatPostgreSQLWouldChange(name: String) {
        #expect(failure { () throws(PostgresError) in try SQLText.quoteIdentifier(name) }?.kind == .configuration)
    }

    @Test func takesTheLongestName() throws {
        let name = String(repeating: "a", count: 63)
        #expect(try SQLText.quoteIdentifier(name) == "\"\(name)\"")
    }

    @Test func quotesSchemaAndTableApart() throws {
        #expect(try TableName(schema: "a.b", "c\"d").quoted() == "\"a.b\".\"c\"\"d\"")
        #expect(try TableName("t").quoted() == "\"t\"")
    }

    @Test func quotesLiteralsWithBackslashes() throws {
        #expect(try SQLText.quoteLiteral("it's") == "'it''s'")
        #expect(try SQLText.quoteLiteral("a\\b") == " E'a\\\\b'")
    }

    @Test func writesBytesAsDigits() {
        #expect(SQLText.byteaLiteral([0x00, 0x27, 0xFF]) == "E'\\\\x0027ff'::bytea")
        #expect(SQLText.textLiteral("'") == "convert_from(E'\\\\x27','UTF8')")
        #expect(SQLText.textLiteral("a\0b") == "convert_from(E'\\\\x61efbfbd62','UTF8')")
    }

    @Test func stableHashIsFNV() {
        var hash = StableHash()
        hash.combine("")
        #expect(hash.hex == "af64724c8602eb6e")
        var first = StableHash()
        first.combine("ab")
        first.combine("c")
        var second = StableHash()
        second.combine("a")
        second.combine("bc")
        #expect(first.value != second.value)
    }
}
