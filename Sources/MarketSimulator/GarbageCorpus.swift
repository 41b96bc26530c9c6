public import Records

/// Entries that cannot become rows, as broken and hostile producers send them.
public enum GarbageCorpus {
    /// One entry, and why the built-in configuration cannot store it.
    public struct Case: Sendable {
        /// A word for reports, such as `price_is_text`.
        public var name: String
        public var entry: SimulatedEntry
        public var reason: Rejection.Reason
    }

    /// Bytes of the value that is larger than an entry may be.
    public static let largeValueByteCount = 2 << 20

    /// One entry per case, in an order and with fillings that the seed decides.
    /// - Parameter timeMicroseconds: the time of entries whose time is not what is wrong with them.
    public static func cases(seed: UInt64, timeMicroseconds: Int64) -> [Case] {
        var random = SplitMix64(seed: seed)
        var maker = GarbageMaker(timeMicroseconds: timeMicroseconds, random: random)
        var cases = maker.makeAll()
        for index in cases.indices.reversed() {
            cases.swapAt(index, Int(random.below(Int64(index + 1))))
        }
        return cases
    }
}

/// Starts from a good entry and breaks one thing.
struct GarbageMaker {
    let timeMicroseconds: Int64
    var random: SplitMix64

    private typealias Fields = [(name: [UInt8], value: [UInt8])]

    mutating func makeAll() -> [GarbageCorpus.Case] {
        numbers() + times() + texts() + shapes() + books()
    }

    private func trade() -> Fields {
        [
            field("time", String(timeMicroseconds)), field("exchange", "KRAKEN"), field("symbol", "BTC-USDT"),
            field("trade_id", "garbage"), field("price", "65432.10"), field("amount", "0.5"), field("side", "buy"),
        ]
    }

    private func field(_ name: String, _ value: String) -> (name: [UInt8], value: [UInt8]) {
        (Array(name.utf8), Array(value.utf8))
    }

    private func replacing(_ name: String, with value: [UInt8]) -> Fields {
        trade().map { $0.name == Array(name.utf8) ? ($0.name, value) : $0 }
    }

    private func make(
        _ name: String, _ reason: Rejection.Reason, _ fields: Fields, kind: MarketKind = .trades
    ) -> GarbageCorpus.Case {
        GarbageCorpus.Case(name: name, entry: SimulatedEntry(stream: kind.stream, fields: fields), reason: reason)
    }

    private func breaking(
        _ name: String, _ field: String, _ value: String, _ reason: Rejection.Reason
    ) -> GarbageCorpus.Case {
        make(name, reason, replacing(field, with: Array(value.utf8)))
    }

    private func numbers() -> [GarbageCorpus.Case] {
        [
            breaking("price_is_text", "price", "cheap", .notANumber),
            breaking("price_is_empty", "price", "", .notANumber),
            breaking("price_has_two_points", "price", "1.2.3", .notANumber),
            breaking("price_has_a_comma", "price", "65,432.10", .notANumber),
            breaking("price_is_hexadecimal", "price", "0x1F", .notANumber),
            breaking("price_is_nan", "price", "NaN", .notFinite),
            breaking("price_is_infinite", "price", "-Infinity", .notFinite),
            breaking("price_is_too_large", "price", "1e30", .outOfRange),
            breaking("price_has_a_huge_exponent", "price", "1e999999999", .outOfRange),
            breaking("price_has_too_many_decimals", "price", "0.0000000000000000001", .scale),
        ]
    }

    private func times() -> [GarbageCorpus.Case] {
        [
            breaking("time_is_text", "time", "yesterday", .invalidTime),
            breaking("time_is_no_day", "time", "2024-02-30T00:00:00Z", .invalidTime),
            breaking("time_is_too_early", "time", "0", .timeWindow),
            breaking("time_is_far_ahead", "time", "32503680000", .timeWindow),
        ]
    }

    private mutating func texts() -> [GarbageCorpus.Case] {
        let large = (0..<GarbageCorpus.largeValueByteCount).map { _ in
            UInt8(ascii: "a") + UInt8(truncatingIfNeeded: random.below(26))
        }
        return [
            make("symbol_is_not_utf8", .invalidUTF8, replacing("symbol", with: [0x42, 0xFF, 0xFE, 0x43])),
            make("symbol_is_cut_utf8", .invalidUTF8, replacing("symbol", with: [0x42, 0xE2, 0x82])),
            make("symbol_is_a_surrogate", .invalidUTF8, replacing("symbol", with: [0xED, 0xA0, 0x80])),
            make("symbol_has_nul", .nulByte, replacing("symbol", with: [0x42, 0x00, 0x43])),
            make("symbol_is_two_megabytes", .tooLarge, replacing("symbol", with: large)),
        ]
    }

    private func shapes() -> [GarbageCorpus.Case] {
        let flood = (0..<600).map { field("f\($0)", "1") }
        let noise: Fields = [([0x00, 0xFF], [0x1B, 0x5B, 0x32, 0x4A]), field("", "")]
        return [
            make("price_is_missing", .missingField, trade().filter { $0.name != Array("price".utf8) }),
            make("time_is_missing", .missingField, trade().filter { $0.name != Array("time".utf8) }),
            make("nothing_is_known", .missingField, noise),
            make("price_comes_twice", .duplicateField, trade() + [field("price", "1")]),
            make("fields_flood", .tooManyFields, trade() + flood),
        ]
    }

    private func books() -> [GarbageCorpus.Case] {
        let deep = String(repeating: "[", count: 5000)
        return [
            make("bids_are_not_json", .invalidBook, book("{\"1\":"), kind: .orderbook),
            make("bids_are_too_deep", .invalidBook, book(deep), kind: .orderbook),
            make("bids_are_no_levels", .invalidBook, book("[[\"1\"]]"), kind: .orderbook),
            make("bids_are_a_text", .invalidBook, book("\"none\""), kind: .orderbook),
        ]
    }

    private func book(_ bids: String) -> Fields {
        trade().prefix(3) + [field("bids", bids), field("asks", "[]")]
    }
}
