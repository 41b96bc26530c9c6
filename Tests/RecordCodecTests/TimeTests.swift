import Records
import Testing

@testable import RecordCodec

struct TimeTests {
    private static let epoch: Int64 = 946_684_800_000_000

    /// Microseconds since 1970 of what was stored.
    private func stored(
        _ text: String, _ format: ColumnMapping.Format = .automatic, as type: ColumnType = .timestamptz
    ) throws -> Int64? {
        try encodeValue(text, as: type, format: format).signed.map { $0 + Self.epoch }
    }

    @Test func numbersAreRecognisedByTheirSize() throws {
        for text in ["1626916404.58", "1626916404580", "1626916404580000", "1626916404580000000", "1.62691640458e9"] {
            #expect(try stored(text) == 1_626_916_404_580_000, "\(text)")
        }
        #expect(try stored("99999999999") == 99_999_999_999_000_000)
        #expect(try stored("100000000000") == 100_000_000_000_000)
        #expect(try stored("0") == 0)
        #expect(try stored("-1.5") == -1_500_000)
        #expect(try stored("1.626916404E+09") == 1_626_916_404_000_000)
    }

    @Test func aFormatSaysWhatTheNumberMeans() throws {
        #expect(try stored("1", .epochSeconds) == 1_000_000)
        #expect(try stored("1.5", .epochMilliseconds) == 1_500)
        #expect(try stored("1", .epochMicroseconds) == 1)
        #expect(try stored("1499", .epochNanoseconds) == 1)
        #expect(try stored("1626916404580", .epochSeconds) == 1_626_916_404_580_000_000)
    }

    @Test func microsecondsAreRoundedHalfToEven() throws {
        #expect(try stored("1.0000005") == 1_000_000)
        #expect(try stored("1.0000015") == 1_000_002)
        #expect(try stored("1.00000050000000000000000001") == 1_000_001)
        #expect(try stored("-1.0000015") == -1_000_002)
        #expect(try stored("1638147282.4405718") == 1_638_147_282_440_572)
        #expect(try stored("500", .epochNanoseconds) == 0)
        #expect(try stored("1500", .epochNanoseconds) == 2)
        #expect(try stored("2021-01-01T00:00:00.0000005Z") == 1_609_459_200_000_000)
    }

    @Test func isoTimesAreUTCUnlessTheySayOtherwise() throws {
        for text in [
            "2021-07-22T01:13:24.58Z", "2021-07-22T01:13:24.580", "2021-07-22 01:13:24.58+00",
            "2021-07-22t01:13:24.58z",
            "2021-07-22T03:13:24.58+02:00", "2021-07-22T03:13:24.58+0200", "2021-07-21T20:43:24.58-04:30",
        ] {
            #expect(try stored(text) == 1_626_916_404_580_000, "\(text)")
            #expect(try stored(text, .iso8601) == 1_626_916_404_580_000, "\(text)")
        }
        #expect(try stored("2000-02-29") == 951_782_400_000_000)
        #expect(try stored("1969-12-31T23:59:59Z") == -1_000_000)
        #expect(try stored("2021-07-22T01:13Z") == 1_626_916_380_000_000)
        #expect(try stored("0001-01-01T00:00:00Z") == -62_135_596_800_000_000)
        #expect(try stored("2016-12-31T23:59:60Z") == 1_483_228_800_000_000)
    }

    @Test(arguments: [
        "", "abc", "2021-02-29", "2021-13-01", "2021-00-01", "2021-01-00", "2021-04-31", "1900-02-29", "0000-01-01",
        "2021-01-01T", "2021-01-01T24:00:00Z", "2021-01-01T00:60:00Z", "2021-01-01T00:00:61Z", "2021-01-01T00:00:00.Z",
        "2021-01-01T00:00:00ZZ", "2021-01-01T00:00:00+", "2021-01-01T00:00:00+1", "2021-01-01T00:00:00+16:00",
        "2021-01-01T0:00:00Z", "2021-1-1T00:00:00", "2021-01-01x", "12:00", "None", "1626916404,5", "\u{0}",
    ])
    func whatIsNoTimeIsRejected(text: String) throws {
        #expect(try encodeValue(text, as: .timestamptz).reason == .invalidTime)
        #expect(try encodeValue(text, as: .timestamptz, format: .iso8601).reason == .invalidTime)
    }

    @Test func infinitiesAreNotFinite() throws {
        for text in ["infinity", "-infinity", "NaN", "inf"] {
            for format in [ColumnMapping.Format.automatic, .epochSeconds, .iso8601] {
                #expect(try encodeValue(text, as: .timestamptz, format: format).reason == .notFinite)
            }
        }
    }

    @Test func timesThatTheServerCannotHoldAreOutOfRange() throws {
        for text in ["1e30", "-1e14", "9223372036855", "1e999999999"] {
            #expect(try encodeValue(text, as: .timestamptz, format: .epochSeconds).reason == .outOfRange, "\(text)")
        }
        #expect(try encodeValue("-210866803200", as: .timestamptz, format: .epochSeconds).reason == nil)
        #expect(try encodeValue("-210866803201", as: .timestamptz, format: .epochSeconds).reason == .outOfRange)
    }

    @Test func datesAreDaysInUTC() throws {
        #expect(try encodeValue("2000-01-01", as: .date).signed == 0)
        #expect(try encodeValue("1999-12-31T23:59:59.999Z", as: .date).signed == -1)
        #expect(try encodeValue("2000-01-02T01:00:00+02:00", as: .date).signed == 0)
        #expect(try encodeValue("1626916404.58", as: .date).signed == 7_873)
        #expect(try stored("1626916404.58", as: .timestamp) == 1_626_916_404_580_000)
    }

    @Test func aBigintHoldsMilliseconds() throws {
        #expect(try encodeValue("1626916404.5815", as: .int8, format: .epochSeconds).signed == 1_626_916_404_582)
        #expect(try encodeValue("1626916404.5825", as: .int8, format: .epochSeconds).signed == 1_626_916_404_582)
        #expect(try encodeValue("1626916404580", as: .int8, format: .epochMilliseconds).signed == 1_626_916_404_580)
        #expect(try encodeValue("1970-01-01T00:00:00.0025Z", as: .int8, format: .iso8601).signed == 2)
        #expect(try encodeValue("1626916404580", as: .int8).signed == 1_626_916_404_580)
    }

    @Test func aWindowHoldsTimesOff() throws {
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t", columns: [ColumnMapping(column: "time", source: .fields(["ts"]))])
        let columns = [CatalogColumn(name: "time", type: .timestamptz, notNull: true)]
        let now: Int64 = 1_700_000_000_000_000
        let block = makeBlock(
            ["1230940799", "1230940800", "1700086400", "1700086400.000001", "2009-01-02"].map { [("ts", $0)] })
        let result = try encode(block, mapping, columns, now: now)
        #expect(result.rejected.map(\.index) == [0, 3, 4])
        #expect(
            result.rejected[0].rejection == Rejection(.timeWindow, field: "ts", column: "time", table: "t"))
        #expect(result.batch.times == 1_230_940_800_000_000...1_700_086_400_000_000)
        #expect(result.batch.distinctDays == 2)
        var open = mapping
        open.timeWindow = nil
        #expect(try encode(block, open, columns, now: now).rejected.isEmpty)
    }
}
