import Records
import Testing

@testable import RecordCodec

struct BookTests {
    private func book(
        _ text: String, _ format: ColumnMapping.Format = .book, as type: ColumnType = .json
    ) throws -> Result<[UInt8], TestRejection> {
        try encodeValue(text, as: type, format: format)
    }

    @Test func everyFormOfABookBecomesAListOfLevels() throws {
        for (input, output) in [
            ("{\"0.3521\":672,\"0.352\":1144}", "[[\"0.3521\",\"672\"],[\"0.352\",\"1144\"]]"),
            ("{\"58.00000000\":\"1.50\"}", "[[\"58.00000000\",\"1.50\"]]"),
            ("[[0.3517,4265],[1e-7,0]]", "[[\"0.3517\",\"4265\"],[\"1e-7\",\"0\"]]"),
            ("[[\"0.3517\",\"4265\"]]", "[[\"0.3517\",\"4265\"]]"), ("{}", "[]"), ("[]", "[]"), (" [ ] ", "[]"),
            (" { \"1\" : 2 , \"3\" : 4 } ", "[[\"1\",\"2\"],[\"3\",\"4\"]]"),
            (" [ [ 1 , 2 ] , [ 3 , 4 ] ] ", "[[\"1\",\"2\"],[\"3\",\"4\"]]"),
            ("{\"10\":{\"a-1\":1,\"b\":2.5},\"9\":{}}", "[[\"10\",\"1\",\"a-1\"],[\"10\",\"2.5\",\"b\"]]"),
            ("[[10,1,\"a\"],[9,2,77]]", "[[\"10\",\"1\",\"a\"],[\"9\",\"2\",\"77\"]]"),
            ("[[10,1,\"a\\\"\\u00e9\"]]", "[[\"10\",\"1\",\"a\\\"\\u00e9\"]]"),
            ("{\"1.117E-7\":0.00001}", "[[\"1.117E-7\",\"0.00001\"]]"),
        ] {
            #expect(try book(input).text == output, "\(input)")
            #expect(try book(input, as: .text(maxLength: nil)).text == output, "\(input)")
            #expect(try book(input, as: .jsonb).bytes == [1] + Array(output.utf8), "\(input)")
        }
    }

    @Test func theOrderMayStandFirst() throws {
        #expect(try book("[[\"x\",10,1.5]]", .bookOrderFirst).text == "[[\"10\",\"1.5\",\"x\"]]")
        #expect(try book("[[1.0,2]]", .bookOrderFirst).text == "[[\"1.0\",\"2\"]]")
        #expect(try book("{\"10\":{\"x\":1}}", .bookOrderFirst).text == "[[\"10\",\"1\",\"x\"]]")
        #expect(try book("[[10,1.5,\"x\"]]", .bookOrderFirst).reason == .invalidBook)
        #expect(try book("[[\"x\",10,1.5]]", .book).reason == .invalidBook)
    }

    @Test(arguments: [
        "", "null", "1", "\"a\"", "{", "[", "{\"1\":2", "{\"1\":2,}", "{\"1\"}", "{\"a\":1}", "{\"1\":\"b\"}",
        "{\"1\":NaN}",
        "{\"NaN\":1}", "{\"1\":Infinity}", "{\"1\":null}", "{\"1\":true}", "{\"1\":[2]}", "[[1]]", "[[1,2,3,4]]",
        "[1,2]",
        "[[1,2]", "[[1,2],]", "[[1,2]]x", "{}x", "[[]]", "[[1,]]", "[[\"\",1]]", "{\"\":1}", "{\"1e99999\":1}", "{1:2}",
        "{\"1\":01}", "[[1,2,null]]", "[[1,2,{}]]", "{\"1\":{\"a\":\"b\"}}", "{\"1\":{\"a\":1}", "[[1 2]]", "[[1,\"2]]",
        "{\" 1\":1}", "[[1,2,\"\\ud800\"]]",
    ])
    func whatIsNoBookIsRejected(text: String) throws {
        #expect(try book(text).reason == .invalidBook)
        #expect(try book(text, .bookOrderFirst).reason == .invalidBook)
    }

    @Test func longNumbersAndOrdersAreNoBook() throws {
        let digits = String(repeating: "1", count: 101)
        #expect(try book("{\"\(digits)\":1}").reason == .invalidBook)
        #expect(try book("[[1,\(digits)]]").reason == .invalidBook)
        #expect(try book("{\"\(digits.dropLast())\":1}").reason == nil)
        let order = String(repeating: "x", count: 257)
        #expect(try book("[[1,2,\"\(order)\"]]").reason == .invalidBook)
    }

    @Test func anOrderThatTextCannotHoldHasItsOwnReason() throws {
        #expect(try book("[[1,2,\"\\u0000\"]]").reason == .nulByte)
        #expect(
            try encodeValue(Array("[[1,2,\"".utf8) + [0xFF] + Array("\"]]".utf8), as: .json, format: .book).reason
                == .invalidUTF8)
    }

    @Test func bothSidesAreTakenFromOneField() throws {
        let mapping = StreamMapping(
            name: "book", keys: [], table: "t",
            columns: [
                ColumnMapping(column: "bids", source: .fields(["book", "delta"]), path: [.key("bid")], format: .book),
                ColumnMapping(column: "asks", source: .fields(["book", "delta"]), path: [.key("ask")], format: .book),
                ColumnMapping(
                    column: "kind",
                    source: .present([
                        .init(field: "book", text: "snapshot"), .init(field: "delta", text: "delta"),
                    ])),
            ])
        let columns = ["bids", "asks", "kind"].map {
            CatalogColumn(name: $0, type: .text(maxLength: nil), notNull: true)
        }
        let block = makeBlock([
            [("book", "{\"bid\":{\"1\":2},\"ask\":{\"3\":4}}")], [("delta", "{\"bid\":[],\"ask\":[[3,0]]}")],
            [("book", "{\"bid\":{\"1\":2},\"ask\":{\"3\":4}}x")], [("book", "{\"bid\":{\"1\":2}}")], [("other", "x")],
        ])
        let result = try encode(block, mapping, columns)
        #expect(
            result.rows.map { $0.map { String(decoding: $0 ?? [], as: UTF8.self) } } == [
                ["[[\"1\",\"2\"]]", "[[\"3\",\"4\"]]", "snapshot"], ["[]", "[[\"3\",\"0\"]]", "delta"],
            ])
        #expect(
            result.rejected.map(\.rejection) == [
                Rejection(.invalidJSON, field: "book", column: "bids", table: "t"),
                Rejection(.missingField, field: "book", column: "asks", table: "t"),
                Rejection(.missingField, field: "book", column: "bids", table: "t"),
            ])
    }
}
