import PostgresCopy
import Records
import Testing

struct LetterFieldsTests {
    private static let resp = Array("*4\r\n$5\r\nprice\r\n$1\r\nx\r\n$4\r\nnote\r\n$4\r\na\r\nb\r\n".utf8)

    private func field(_ name: String, _ value: String) -> LetterFields.Field {
        .init(name: Array(name.utf8), value: Array(value.utf8))
    }

    @Test func fieldsAreReadAndWrittenByteForByte() throws {
        let fields = try #require(LetterFields(resp: Self.resp))
        #expect(fields.fields == [field("price", "x"), field("note", "a\r\nb")])
        #expect(fields.resp == Self.resp)
        #expect(LetterFields([]).resp == Array("*0\r\n".utf8))
    }

    @Test func whatIsNotExactlyOneArrayOfPairsIsRefused() {
        for length in 0..<Self.resp.count { #expect(LetterFields(resp: Array(Self.resp.prefix(length))) == nil) }
        for text in ["*1\r\n$1\r\na\r\n", "*-1\r\n", "*2\r\n$-1\r\n$-1\r\n", "*99999999999999999999\r\n", "x"] {
            #expect(LetterFields(resp: Array(text.utf8)) == nil, "\(text)")
        }
        #expect(LetterFields(resp: Self.resp + [0]) == nil)
    }

    @Test func aFieldThatIsSetIsThereOnce() throws {
        let twice = LetterFields([field("side", "a"), field("price", "x"), field("side", "b")])
        let edits: [LetterEdit] = [
            .set(Array("side".utf8), to: Array("buy".utf8)), .set(Array("new".utf8), to: []),
            .remove(Array("price".utf8)),
        ]
        let edited = try #require(edits.applied(to: twice.resp).flatMap { LetterFields(resp: $0) })
        #expect(edited.fields == [field("side", "buy"), field("new", "")])
    }

    @Test func cursorsAreReadAsTheyAreWritten() throws {
        let cursor = try #require(LetterCursor("1735689600000000:7:1690000000000-3"))
        #expect(cursor.key.source == SourceNumber(rawValue: 7))
        #expect(cursor.description == "1735689600000000:7:1690000000000-3")
        for text in ["", "1:2", "x:7:1-0", "1:7:x", "1:7:1-0:1"] { #expect(LetterCursor(text) == nil) }
    }
}
