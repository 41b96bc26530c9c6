import Records
import Testing

@testable import RecordCodec

struct NumericTests {
    private let money = ColumnType.numeric(38, 18)
    private let plain = ColumnType.numeric(nil)

    /// `numeric_send` of the server: groups, weight, sign, scale, digits.
    private func field(_ weight: Int16, _ scale: UInt16, negative: Bool = false, _ groups: [UInt16]) -> [UInt8] {
        var field: [UInt8] = bytes(of: UInt16(groups.count)) + bytes(of: weight)
        field += bytes(of: UInt16(negative ? 0x4000 : 0)) + bytes(of: scale)
        return groups.reduce(into: field) { $0 += bytes(of: $1) }
    }

    @Test func theServersFormatIsMet() throws {
        #expect(try encodeValue("58584.13748014", as: money).bytes == field(1, 18, [5, 8584, 1374, 8014]))
        #expect(try encodeValue("58584.13748014", as: plain).bytes == field(1, 8, [5, 8584, 1374, 8014]))
        #expect(try encodeValue("-1.448", as: plain).bytes == field(0, 3, negative: true, [1, 4480]))
        #expect(try encodeValue("1.117e-07", as: plain).bytes == field(-2, 10, [11, 1700]))
        #expect(try encodeValue("1.117E-7", as: money).bytes == field(-2, 18, [11, 1700]))
        #expect(try encodeValue("0", as: plain).bytes == field(0, 0, []))
        #expect(try encodeValue("-0.00", as: plain).bytes == field(0, 2, []))
        #expect(try encodeValue("100000000", as: plain).bytes == field(2, 0, [1]))
        #expect(try encodeValue("1e400", as: plain).bytes == field(100, 0, [1]))
        #expect(try encodeValue(".5", as: plain).bytes == field(-1, 1, [5000]))
        #expect(try encodeValue("5.", as: plain).bytes == field(0, 0, [5]))
        #expect(try encodeValue("+7", as: plain).bytes == field(0, 0, [7]))
    }

    @Test(arguments: [
        "", "-", "+", ".", "-.", "e5", "1e", "1e+", "1e-", "--1", "+-1", "1.2.3", "1..2", "1,5", "1 ", " 1", "0x10",
        "1_000", "12a", "a12", "1e5.0", "1e5e5", "½", "１", "null", "None", "12345678901234567890x", "1.5x",
        "1\u{0}", "\u{0}", "1\n",
    ])
    func whatIsNoNumberIsRejected(text: String) throws {
        for type in [money, plain, .int4, .int8, .float8, .float4] {
            #expect(try encodeValue(text, as: type).reason == .notANumber, "\(type)")
        }
    }

    @Test(arguments: ["NaN", "nan", "-NaN", "Infinity", "-Infinity", "inf", "+inf", "-INF"])
    func whatIsNotFiniteIsRejected(text: String) throws {
        for type in [money, plain, .int4, .float8, .float4] {
            #expect(try encodeValue(text, as: type).reason == .notFinite)
        }
    }

    @Test func noDigitIsLostSilently() throws {
        #expect(try encodeValue("1.123456789012345678", as: money).reason == nil)
        #expect(try encodeValue("1.1234567890123456789", as: money).reason == .scale)
        #expect(try encodeValue("1.1234567890123456780000", as: money).reason == nil)
        #expect(try encodeValue("1e-18", as: money).reason == nil)
        #expect(try encodeValue("1e-19", as: money).reason == .scale)
        #expect(try encodeValue("0e-40", as: money).reason == nil)
        #expect(try encodeValue("99999999999999999999", as: money).reason == nil)
        #expect(try encodeValue("100000000000000000000", as: money).reason == .outOfRange)
        #expect(try encodeValue("000000000000000000000000000001", as: money).reason == nil)
        #expect(try encodeValue("1e400", as: money).reason == .outOfRange)
        #expect(try encodeValue("1e999999999999999999999", as: money).reason == .outOfRange)
        #expect(try encodeValue("1e-999999999999999999999", as: money).reason == .scale)
        #expect(try encodeValue("1e131071", as: plain).reason == nil)
        #expect(try encodeValue("1e131072", as: plain).reason == .outOfRange)
        #expect(try encodeValue("1e-16383", as: plain).reason == nil)
        #expect(try encodeValue("1e-16384", as: plain).reason == .outOfRange)
    }

    @Test func roundingIsHalfToEvenWhereItIsWanted() throws {
        func rounded(_ text: String, _ precision: Int = 10, _ scale: Int = 2) throws -> Result<[UInt8], TestRejection> {
            try encodeValue(text, as: .numeric(precision, scale), rounds: true)
        }
        #expect(try rounded("0.125").bytes == field(-1, 2, [1200]))
        #expect(try rounded("0.135").bytes == field(-1, 2, [1400]))
        #expect(try rounded("0.1250001").bytes == field(-1, 2, [1300]))
        #expect(try rounded("0.005").bytes == field(0, 2, []))
        #expect(try rounded("0.015").bytes == field(-1, 2, [200]))
        #expect(try rounded("0.0051").bytes == field(-1, 2, [100]))
        #expect(try rounded("1e-9").bytes == field(0, 2, []))
        #expect(try rounded("9999.999").bytes == field(1, 2, [1]))
        #expect(try rounded("99999999.995").reason == .outOfRange)
        #expect(try rounded("99999999.994").reason == nil)
        #expect(try rounded("-2.5", 5, 0).bytes == field(0, 0, negative: true, [2]))
        #expect(try rounded("-0.5", 5, 0).bytes == field(0, 0, []))
    }

    @Test func unusualScalesAreKnown() throws {
        // numeric(5,-2): hundreds. numeric(3,5): up to 0.00999.
        #expect(try encodeValue("1200", as: .numeric(5, -2)).bytes == field(0, 0, [1200]))
        #expect(try encodeValue("1250", as: .numeric(5, -2)).reason == .scale)
        #expect(try encodeValue("1250", as: .numeric(5, -2), rounds: true).bytes == field(0, 0, [1200]))
        #expect(try encodeValue("9999900", as: .numeric(5, -2)).reason == nil)
        #expect(try encodeValue("10000000", as: .numeric(5, -2)).reason == .outOfRange)
        #expect(try encodeValue("0.00999", as: .numeric(3, 5)).reason == nil)
        #expect(try encodeValue("0.01", as: .numeric(3, 5)).reason == .outOfRange)
    }

    @Test func twentyThousandRandomNumbersAgreeWithASecondImplementation() throws {
        var generator = SeededGenerator(seed: 20_250_925)
        var fits = 0
        for round in 0..<20_000 {
            let text = randomNumber(&generator)
            let (precision, scale) = [(38, 18), (20, 8), (10, 2), (8, 0), (30, 30), (16, 16), (25, 5)].randomElement(
                using: &generator)!
            let rounds = Bool.random(using: &generator)
            try #require(try encodeValue(text, as: plain).bytes == ReferenceNumeric.encode(text), "\(round): \(text)")
            let expected = ReferenceNumeric.encode(text, precision: precision, scale: scale, rounds: rounds)
            let actual = try encodeValue(text, as: .numeric(precision, scale), rounds: rounds)
            try #require(
                actual.bytes == expected, "\(round): \(text) as numeric(\(precision),\(scale)), rounds \(rounds)")
            if expected != nil { fits += 1 }
        }
        #expect(fits > 5_000)
    }

    private func randomNumber(_ generator: inout SeededGenerator) -> String {
        func digits(_ range: ClosedRange<Int>) -> String {
            let zeros = Int.random(in: 0..<4, using: &generator) == 0
            return (0..<Int.random(in: range, using: &generator))
                .map { _ in zeros ? "0" : String(Int.random(in: 0...9, using: &generator)) }.joined()
        }
        var text = ["", "-", "+"].randomElement(using: &generator)!
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: text += digits(1...40)
        case 1: text += "." + digits(1...30)
        case 2: text += digits(1...10) + "."
        case 3: text += digits(1...5) + "." + digits(1...8)
        case 4: text += digits(1...20) + "." + digits(1...20)
        default: text += "9999" + digits(0...4) + "." + digits(1...3) + "5"
        }
        if Int.random(in: 0..<3, using: &generator) == 0 {
            text += ["e", "E"].randomElement(using: &generator)!
            text += String(Int.random(in: -40...40, using: &generator))
        }
        return text
    }
}
