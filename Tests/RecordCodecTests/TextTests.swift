import Records
import Testing

@testable import RecordCodec

struct TextTests {
    private let text = ColumnType.text(maxLength: nil)

    @Test(arguments: [
        "", "a", "1234567", "12345678", "123456789", "0123456789abcdef", "0123456789abcdefg",
        "tab\tnewline\nbackslash\\ \\. \\N", "\u{FEFF}bom", "שלום", "🪙 coin", "é", "\u{7F}", "\u{80}", "\u{7FF}",
        "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", String(repeating: "x", count: 5000),
        String(repeating: "ü", count: 33),
    ])
    func anyUTF8IsKeptByteForByte(value: String) throws {
        #expect(try encodeValue(value, as: text).bytes == Array(value.utf8))
    }

    @Test func aNulByteIsRejectedWhereverItIs() throws {
        for length in 1...40 {
            for position in 0..<length {
                var value = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                value[position] = 0
                #expect(try encodeValue(value, as: text).reason == .nulByte)
            }
        }
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func malformedUTF8IsRejectedWhereverItIs(bad: [UInt8]) throws {
        for before in [0, 1, 7, 8, 15, 20] {
            for after in [0, 1, 9] {
                let value =
                    [UInt8](repeating: 0x61, count: before) + bad + [UInt8](repeating: 0x62, count: after)
                #expect(try encodeValue(value, as: text).reason == .invalidUTF8, "\(value)")
            }
        }
    }

    @Test func everySequenceOfUpToThreeBytesAgreesWithTheStandardLibrary() throws {
        // Lead bytes times a few interesting continuations: the borders of each class.
        let borders: [UInt8] = [0x01, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
        for lead in UInt8(0x80)...0xFF {
            for second in borders {
                for third in borders {
                    for fourth in [UInt8(0x80), 0x41] {
                        let value = [lead, second, third, fourth]
                        let isValid = String(validating: value, as: UTF8.self) != nil
                        #expect(try (encodeValue(value, as: text).reason == nil) == isValid, "\(value)")
                    }
                }
            }
        }
    }

    @Test func lengthIsCountedInCharacters() throws {
        let short = ColumnType.text(maxLength: 4)
        #expect(try encodeValue("abcd", as: short).text == "abcd")
        #expect(try encodeValue("äöüß", as: short).text == "äöüß")
        #expect(try encodeValue("abcde", as: short).reason == .tooLong)
        #expect(try encodeValue("äöüßx", as: short).reason == .tooLong)
        // PostgreSQL would cut trailing blanks silently.
        #expect(try encodeValue("abcd ", as: short).reason == .tooLong)
    }

    @Test func aCheckOnTheLengthCountsLikeADeclaredOne() throws {
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t", columns: [ColumnMapping(column: "c", source: .fields(["f"]))])
        let column = CatalogColumn(name: "c", type: text, checkLength: 3)
        let result = try encode(makeBlock([[("f", "abc")], [("f", "abcd")]]), mapping, [column])
        #expect(result.rows == [[Array("abc".utf8)]])
        #expect(result.rejected.map(\.rejection.reason) == [.tooLong])
    }

    @Test func aValueBeyondTheLimitIsTooLarge() throws {
        let limits = CodecLimits(maxValueBytes: 10)
        #expect(try encodeValue(Array("0123456789".utf8), as: text, limits: limits).reason == nil)
        #expect(try encodeValue(Array("01234567890".utf8), as: text, limits: limits).reason == .tooLarge)
    }
}
