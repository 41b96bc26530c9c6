import Records
import Testing

@testable import RecordCodec

struct JSONTests {
    @Test(arguments: [
        "{}", "[]", "null", "true", "false", "0", "-0", "1.5e-7", "\"\"", " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[1,{\"c\":null}]}}",
        "\"\\u00e9\\n\\\"\\\\\\/\\ud83e\\ude99\"", "\"é🪙\"", "[[],{},\"\"]", "{\"a\":1,\"a\":2}", "\t\r\n 1",
        "1e131071", "1e-16383", "{\"\":0}", "\"0123456789abcdef0123456789abcdef\"",
    ])
    func validJSONIsKeptByteForByte(text: String) throws {
        #expect(try encodeValue(text, as: .jsonb).bytes == [1] + Array(text.utf8))
        #expect(try encodeValue(text, as: .json).bytes == Array(text.utf8))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:2}",
        "{\"a\":1 \"b\":2}", "[1 2]", "1 2", "01", "-", "-a", "1.", ".5", "1.e5", "1e", "1e+", "+1", "0x1", "NaN",
        "Infinity", "-Infinity", "tru", "truex", "True", "nul", "None", "'a'", "\"a", "\"a\\\"", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"a\nb\"", "\"a\tb\"",
        "\"\u{1F}\"", "[1]]", "{}{}", "\u{FEFF}{}", "// c", "[1,2", "{\"a\":[1,2}", "\"\\",
    ])
    func invalidJSONIsRejected(text: String) throws {
        #expect(try encodeValue(text, as: .jsonb).reason == .invalidJSON)
        #expect(try encodeValue(text, as: .json).reason == .invalidJSON)
    }

    @Test func whatTextCannotHoldHasItsOwnReason() throws {
        for text in [
            "\"\\u0000\"", "{\"\\u0000\":1}", "[\"a\\u0000b\"]", "\"a\u{0}b\"", "\u{0}", "[1,\u{0}2]", "{\u{0}}",
            "1\u{0}",
        ] {
            #expect(try encodeValue(text, as: .jsonb).reason == .nulByte, "\(text)")
        }
        #expect(try encodeValue([0x22, 0xFF, 0x22], as: .jsonb).reason == .invalidUTF8)
        #expect(try encodeValue([0x22, 0xED, 0xA0, 0x80, 0x22], as: .jsonb).reason == .invalidUTF8)
    }

    @Test func numbersThatJSONBCannotHoldAreOutOfRange() throws {
        for text in ["1e131072", "[1e400000]", "1e-16384", "0e-99999", "1e99999999999999999999"] {
            #expect(try encodeValue(text, as: .jsonb).reason == .outOfRange, "\(text)")
        }
    }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try encodeValue(nested(64), as: .jsonb).reason == nil)
        #expect(try encodeValue(nested(65), as: .jsonb).reason == .tooLarge)
        #expect(try encodeValue(String(repeating: "{\"a\":", count: 100_000), as: .jsonb).reason == .tooLarge)
        let limits = CodecLimits(maxJSONDepth: 2)
        #expect(try encodeValue(Array(nested(2).utf8), as: .jsonb, limits: limits).reason == nil)
        #expect(try encodeValue(Array(nested(3).utf8), as: .jsonb, limits: limits).reason == .tooLarge)
    }

    // MARK: Paths

    private func find(
        _ json: String, _ path: [ColumnMapping.PathStep], as type: ColumnType = .text(maxLength: nil)
    ) throws -> Result<[UInt8]?, TestRejection> {
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t",
            columns: [ColumnMapping(column: "c", source: .fields(["f"]), path: path, nullTexts: ["None"])])
        let result = try encode(makeBlock([[("f", json)]]), mapping, [CatalogColumn(name: "c", type: type)])
        if let rejected = result.rejected.first { return .failure(TestRejection(rejected.rejection)) }
        return .success(result.rows[0][0])
    }

    @Test func aPathFindsMembersAndElements() throws {
        let json =
            "{ \"a\" : {\"b\":[10,20,{\"c\":\"x\"}]}, \"d\\u0065\":1.50, \"e\":[] , \"n\":null, \"long_name_here\":true}"
        func text(_ path: [ColumnMapping.PathStep]) throws -> String? {
            try find(json, path).get().map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try text([.key("a"), .key("b"), .index(1)]) == "20")
        #expect(try text([.key("a"), .key("b"), .index(2), .key("c")]) == "x")
        #expect(try text([.key("a"), .key("b")]) == "[10,20,{\"c\":\"x\"}]")
        #expect(try text([.key("de")]) == "1.50")
        #expect(try text([.key("e")]) == "[]")
        #expect(try text([.key("long_name_here")]) == "true")
        for missing: [ColumnMapping.PathStep] in [
            [.key("n")], [.key("x")], [.index(0)], [.key("e"), .index(0)], [.key("a"), .key("b"), .index(3)],
            [.key("de"), .key("x")], [.key("a"), .index(0)], [.key("a"), .key("b"), .index(-1)],
        ] {
            #expect(try text(missing) == nil, "\(missing)")
        }
        #expect(try find("[1,[2,3]]", [.index(1), .index(0)]).get() == Array("2".utf8))
        #expect(try find("5", [.key("a")]).get() == nil)
    }

    @Test func aFoundStringLosesItsQuotesAndEscapes() throws {
        #expect(try find("{\"a\":\"x\\ty\\u00e9\\ud83e\\ude99\"}", [.key("a")]).get() == Array("x\tyé🪙".utf8))
        #expect(try find("{\"a\":\"12\"}", [.key("a")], as: .int8).get() == bytes(of: Int64(12)))
        #expect(try find("{\"a\":\"x\"}", [.key("a")], as: .jsonb).get() == [1] + Array("\"x\"".utf8))
        #expect(try find("{\"a\":\"None\"}", [.key("a")]).get() == nil)
        #expect(try find("None", [.key("a")]).get() == nil)
        #expect(throws: TestRejection(Rejection(.nulByte, field: "f", column: "c", table: "t"))) {
            try find("{\"a\":\"x\\u0000\"}", [.key("a")]).get()
        }
    }

    @Test func aDocumentMustBeWholeWhereverThePathLeads() throws {
        for json in ["{\"a\":1", "{\"a\":1}x", "{\"a\":1,\"b\":}", "{\"a\":1,\"b\":01}", "", "{\"a\":1}]"] {
            #expect(throws: TestRejection(Rejection(.invalidJSON, field: "f", column: "c", table: "t")), "\(json)") {
                try find(json, [.key("a")]).get()
            }
        }
    }

    @Test func aWideDocumentIsSearchedToItsEnd() throws {
        let members = (0..<1000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try find("{\(members)}", [.key("k999")]).get() == Array("999".utf8))
        #expect(try find("{\(members)}", [.key("k3")]).get() == Array("3".utf8))
        #expect(try find("{\(members)}", [.key("k1000")]).get() == nil)
        let elements = (0..<1000).map(String.init).joined(separator: ",")
        #expect(try find("[\(elements)]", [.index(998)]).get() == Array("998".utf8))
        #expect(try find("[\(elements)]", [.index(1000)]).get() == nil)
    }
}
