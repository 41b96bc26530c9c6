import Records
import Testing

@testable import RecordCodec

struct ArrayTests {
    /// `array_send` of a one-dimensional array.
    private func field(_ oid: UInt32, _ elements: [[UInt8]?]) -> [UInt8] {
        let hasNull = elements.contains { $0 == nil }
        var field = bytes(of: Int32(elements.isEmpty ? 0 : 1)) + bytes(of: Int32(hasNull ? 1 : 0)) + bytes(of: oid)
        if elements.isEmpty { return field }
        field += bytes(of: Int32(elements.count)) + bytes(of: Int32(1))
        for element in elements {
            field += bytes(of: Int32(element?.count ?? -1)) + (element ?? [])
        }
        return field
    }

    private let ints = ColumnType(typeName: "_int4", typmod: -1)
    private let texts = ColumnType(typeName: "_varchar", typmod: 9)

    @Test func bothWritingsAreRead() throws {
        let expected = field(23, [bytes(of: Int32(1)), nil, bytes(of: Int32(-3))])
        for text in ["{1,NULL,-3}", "[1,null,-3]", " { 1 , null , -3.0 } ", " [ 1 , null , \"-3\" ] "] {
            #expect(try encodeValue(text, as: ints).bytes == expected, "\(text)")
        }
        #expect(try encodeValue("{}", as: ints).bytes == field(23, []))
        #expect(try encodeValue(" [ ] ", as: ints).bytes == field(23, []))
    }

    @Test func textElementsLoseQuotesAndEscapes() throws {
        let expected = field(1043, [Array("a b".utf8), Array("é\"".utf8), Array("null".utf8), []])
        #expect(try encodeValue("[\"a b\",\"\\u00e9\\\"\",\"null\",\"\"]", as: texts).bytes == expected)
        #expect(try encodeValue("{a b,\"é\\\"\",\"null\",\"\"}", as: texts).bytes == expected)
        #expect(try encodeValue("{abcdef}", as: texts).reason == .tooLong)
        #expect(try encodeValue("[\"\\u0000\"]", as: texts).reason == .nulByte)
    }

    @Test func jsonElementsAreKeptAsJSON() throws {
        let type = ColumnType(typeName: "_jsonb", typmod: -1)
        let expected = field(3802, [Array("\u{1}{\"a\":[1]}".utf8), Array("\u{1}\"x\"".utf8), Array("\u{1}null".utf8)])
        #expect(try encodeValue("[{\"a\":[1]},\"x\",null]", as: type).bytes == expected)
    }

    @Test(arguments: [
        "", "1", "a", "{", "[", "{1", "[1", "{1,}", "[1,]", "{,1}", "{1}}", "[1]]", "{{1},{2}}", "[[1],[2]]", "[{}]",
        "{1}x", "{\"1}", "{\"1\"2}", "{1 \"2\"}", "{1,,2}", "\u{0}", "{1\\",
    ])
    func whatIsNoArrayIsRejected(text: String) throws {
        #expect(try encodeValue(text, as: ints).reason == .invalidArray)
    }

    @Test func anElementKeepsItsReason() throws {
        #expect(try encodeValue("{1,x}", as: ints).reason == .notANumber)
        #expect(try encodeValue("[1,1e10]", as: ints).reason == .outOfRange)
        #expect(try encodeValue("[true]", as: ints).reason == .notANumber)
    }
}
