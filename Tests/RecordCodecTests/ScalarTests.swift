import Records
import Testing

@testable import RecordCodec

struct ScalarTests {
    @Test func wholeNumbersAreReadInEveryWriting() throws {
        for (text, value) in [
            ("58", 58), ("58.0", 58), ("5.8e1", 58), ("-58", -58), ("+58", 58), ("0", 0), ("-0", 0), ("5800e-2", 58),
            ("58.00000000000000000000000", 58), ("0000000000000000000000058", 58), ("0.58E2", 58),
        ] {
            for type in [ColumnType.int2, .int4, .int8] {
                #expect(try encodeValue(text, as: type).signed == Int64(value), "\(text)")
            }
        }
    }

    @Test func integersEndAtTheirBorders() throws {
        #expect(try encodeValue("32767", as: .int2).bytes == [0x7F, 0xFF])
        #expect(try encodeValue("-32768", as: .int2).bytes == [0x80, 0x00])
        #expect(try encodeValue("32768", as: .int2).reason == .outOfRange)
        #expect(try encodeValue("2147483647", as: .int4).signed == 2_147_483_647)
        #expect(try encodeValue("-2147483649", as: .int4).reason == .outOfRange)
        #expect(try encodeValue("9223372036854775807", as: .int8).signed == .max)
        #expect(try encodeValue("-9223372036854775808", as: .int8).signed == .min)
        #expect(try encodeValue("9223372036854775808", as: .int8).reason == .outOfRange)
        #expect(try encodeValue("-9223372036854775809", as: .int8).reason == .outOfRange)
        #expect(try encodeValue("99999999999999999999999", as: .int8).reason == .outOfRange)
        #expect(try encodeValue("1e99999999", as: .int8).reason == .outOfRange)
    }

    @Test func aBrokenNumberIsNoInteger() throws {
        #expect(try encodeValue("58.5", as: .int4).reason == .scale)
        #expect(try encodeValue("1e-3", as: .int4).reason == .scale)
        #expect(try encodeValue("58.5", as: .int4, rounds: true).signed == 58)
        #expect(try encodeValue("59.5", as: .int4, rounds: true).signed == 60)
        #expect(try encodeValue("0.50000000000000000000000001", as: .int4, rounds: true).signed == 1)
    }

    @Test func floatsAreTheNearestValue() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let digits = String(generator.next() >> UInt64.random(in: 0..<64, using: &generator))
            let text = "\(digits.prefix(3)).\(digits)e\(Int.random(in: -40...40, using: &generator))"
            let bits = try encodeValue(text, as: .float8).bytes.map { integer($0) }
            try #require(bits == Double(text)!.bitPattern, "\(text)")
            let single = Float(text)!
            let result = try encodeValue(text, as: .float4)
            if single.isFinite, !single.isZero || Double(text)! == 0 {
                #expect(result.bytes.map { integer($0) } == UInt64(single.bitPattern), "\(text)")
            } else {
                #expect(result.reason == .outOfRange, "\(text)")
            }
        }
    }

    @Test func floatsBeyondTheirRangeAreRejected() throws {
        #expect(try encodeValue("1e309", as: .float8).reason == .outOfRange)
        #expect(try encodeValue("1e-400", as: .float8).reason == .outOfRange)
        #expect(try encodeValue("0e-400", as: .float8).bytes == bytes(of: Double(0).bitPattern))
        #expect(try encodeValue("1e39", as: .float4).reason == .outOfRange)
        #expect(try encodeValue("-0.1", as: .float8).bytes == bytes(of: (-0.1).bitPattern))
        #expect(try encodeValue("16777217", as: .float4).bytes == bytes(of: Float(16_777_216).bitPattern))
    }

    @Test func booleansAreTheServersWords() throws {
        for word in ["true", "True", "TRUE", "t", "T", "yes", "y", "on", "1"] {
            #expect(try encodeValue(word, as: .bool).bytes == [1])
        }
        for word in ["false", "False", "f", "no", "n", "off", "0"] {
            #expect(try encodeValue(word, as: .bool).bytes == [0])
        }
        for word in ["", "2", "tru", "None", "null", "truee", " true", "1.0", "\u{0}"] {
            #expect(try encodeValue(word, as: .bool).reason == .invalidBoolean)
        }
    }

    @Test func uuidsAreReadAsTheServerReadsThem() throws {
        let expected: [UInt8] = [
            0xA0, 0xEE, 0xBC, 0x99, 0x9C, 0x0B, 0x4E, 0xF8, 0xBB, 0x6D, 0x6B, 0xB9, 0xBD, 0x38, 0x0A, 0x11,
        ]
        for text in [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
        ] {
            #expect(try encodeValue(text, as: .uuid).bytes == expected, "\(text)")
        }
        for text in [
            "", "{}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a112",
            "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11-",
            "g0eebc999c0b4ef8bb6d6bb9bd380a11",
            "{a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0-eebc999c0b4ef8bb6d6bb9bd380a11",
        ] {
            #expect(try encodeValue(text, as: .uuid).reason == .invalidUUID, "\(text)")
        }
    }

    @Test func bytesAreHexOrTakenAsTheyAre() throws {
        #expect(try encodeValue("\\x00fF10", as: .bytea).bytes == [0, 0xFF, 0x10])
        #expect(try encodeValue("\\x", as: .bytea).bytes == [])
        #expect(try encodeValue([0, 0xFF, 0xC0], as: .bytea).bytes == [0, 0xFF, 0xC0])
        #expect(try encodeValue("\\x0", as: .bytea).reason == .invalidBytes)
        #expect(try encodeValue("\\x0g", as: .bytea).reason == .invalidBytes)
    }

    /// Microseconds, days, months.
    private func interval(_ microseconds: Int64, _ days: Int32 = 0, _ months: Int32 = 0) -> [UInt8] {
        bytes(of: microseconds) + bytes(of: days) + bytes(of: months)
    }

    @Test func intervalsComeInSeveralForms() throws {
        for (text, expected) in [
            ("60", interval(60_000_000)), ("59.9", interval(59_900_000)), ("-1.5", interval(-1_500_000)),
            ("02:03:04.5", interval(7_384_500_000)), ("-00:00:01", interval(-1_000_000)),
            ("120:00:00", interval(432_000_000_000)), ("02:03", interval(7_380_000_000)),
            ("PT1H30M", interval(5_400_000_000)), ("P1Y2M3DT4H5M6.7S", interval(14_706_700_000, 3, 14)),
            ("P2W", interval(0, 14)), ("PT-5S", interval(-5_000_000)), ("1 day", interval(0, 1)),
            ("1 day 02:30:00", interval(9_000_000_000, 1)), ("2 hours 5 mins", interval(7_500_000_000)),
            ("1.5 hours", interval(5_400_000_000)), ("1.5 days", interval(43_200_000_000, 1)),
            ("1m", interval(60_000_000)),
            ("-3 days", interval(0, -3)), ("1 year 2 months", interval(0, 0, 14)), ("1.5 years", interval(0, 0, 18)),
            ("250 ms", interval(250_000)), ("7us", interval(7)), ("1h", interval(3_600_000_000)),
            ("0.0000005", interval(0)), ("0.0000015", interval(2)),
        ] {
            #expect(try encodeValue(text, as: .interval).bytes == expected, "\(text)")
        }
    }

    /// The mantissa has up to 19 digits and the unit's factor 12 more, so tiny exponents do not mean 0.
    @Test func intervalsMayHaveManyDigits() throws {
        for (text, expected) in [
            ("0.00012345678901234567", interval(123)), ("1.2345678901234567e-04", interval(123)),
            ("-0.00012345678901234567", interval(-123)), ("0.01234567890123456789 days", interval(1_066_666_657)),
            ("0.00001234567890123456789 weeks", interval(7_466_667)), ("1.234567890123456789e-22", interval(0)),
            ("0.000000500000000000000000001", interval(1)), ("0.0000005000000000000000000", interval(0)),
            ("9999999999999999999e-25", interval(1)), ("9999999999999999999e-26", interval(0)),
            ("1e-38", interval(0)), ("9.999999999999999999e-99", interval(0)),
        ] {
            #expect(try encodeValue(text, as: .interval).bytes == expected, "\(text)")
        }
    }

    @Test(arguments: [
        "", "P", "PT", "P1", "PT1", "P1H", "1 fortnight", "1:2:3", "01:60:00", "01:00:60", "days", "1.5 months", "abc",
        "1 day 2", ":", "1::2", "PT1S2", "99999999999 days", "1e30", "P1YT", "\u{0}", "1 day\u{0}", "9e18 hours",
    ])
    func whatIsNoIntervalIsRejected(text: String) throws {
        let reason = try encodeValue(text, as: .interval).reason
        #expect(reason == .invalidInterval || (reason == .outOfRange && text == "99999999999 days"), "\(text)")
    }
}
