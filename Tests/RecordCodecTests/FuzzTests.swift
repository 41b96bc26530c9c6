import Records
import Testing

@testable import RecordCodec

/// Random bytes as values: an encoder may refuse them, it may not trap, and what it writes must be a whole field.
struct FuzzTests {
    private static let types: [(ColumnType, ColumnMapping.Format)] = [
        (.text(maxLength: nil), .automatic), (.text(maxLength: 3), .automatic), (.numeric(nil), .automatic),
        (.numeric(38, 18), .automatic), (.numeric(5, -2), .automatic), (.numeric(3, 5), .automatic),
        (.int2, .automatic), (.int4, .automatic), (.int8, .automatic), (.float4, .automatic), (.float8, .automatic),
        (.bool, .automatic), (.timestamptz, .automatic), (.timestamp, .epochNanoseconds), (.date, .automatic),
        (.int8, .epochSeconds), (.timestamptz, .iso8601), (.jsonb, .automatic), (.json, .automatic),
        (.uuid, .automatic), (.bytea, .automatic), (.interval, .automatic), (.jsonb, .book),
        (.json, .bookOrderFirst), (ColumnType(typeName: "_numeric", typmod: -1), .automatic),
        (ColumnType(typeName: "_text", typmod: -1), .automatic),
        (ColumnType(typeName: "_jsonb", typmod: -1), .automatic),
    ]

    /// Pieces that lead deep into the parsers.
    private static let seeds: [String] = [
        "58584.13748014", "1.117e-07", "-0.0", "1e400", "99999999999999999999999", "1626916404.5812345",
        "2021-07-22T01:13:24.58+02:00", "{\"bid\":{\"1.5\":2},\"ask\":[[3,4,\"x\"]]}", "[[1,2],[\"3\",\"4\"]]",
        "{a,\"b\\\"c\",NULL}", "[1,null,\"\\u00e9\\ud83e\\ude99\"]", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "{1,-2.50,NULL}", "\\x00ff", "1 day 02:30:00", "P1Y2M3DT4H5M6.7S", "Infinity", "NaN", "true", "é🪙", "\u{0}",
    ]

    private static let alphabet =
        Array("0123456789eE+-.,:\"\\{}[]()/ TZPYMDHSuxnaNftrl\u{0}\u{1}\u{7F}é".utf8) + [0x80, 0xC0, 0xED, 0xF4, 0xFF]

    private func randomValue(_ generator: inout SeededGenerator) -> [UInt8] {
        let kind = Int.random(in: 0..<8, using: &generator)
        if kind == 0 {
            return (0..<Int.random(in: 0..<64, using: &generator)).map { _ in .random(in: 0...255, using: &generator) }
        }
        if kind < 4 {
            return (0..<Int.random(in: 0..<48, using: &generator)).map { _ in
                Self.alphabet.randomElement(using: &generator)!
            }
        }
        var value = Array(Self.seeds.randomElement(using: &generator)!.utf8)
        for _ in 0..<Int.random(in: 0..<4, using: &generator) {
            let place = Int.random(in: 0...value.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: value.insert(Self.alphabet.randomElement(using: &generator)!, at: place)
            case 1: if place < value.count { value.remove(at: place) }
            case 2: value.removeSubrange(place...)
            default: value += value[..<place]
            }
        }
        return value
    }

    @Test func noValueTrapsAnEncoder() throws {
        var generator = SeededGenerator(seed: 86_95)
        let block = makeBlock(raw: (0..<10_000).map { _ in [(Array("f".utf8), randomValue(&generator))] })
        for (index, type) in Self.types.enumerated() {
            let mapping = StreamMapping(
                name: "m", keys: [], table: "t",
                columns: [
                    ColumnMapping(column: "c", source: .fields(["f"]), format: type.1, rounds: index % 2 == 0)
                ], timeWindow: nil)
            let column = CatalogColumn(name: "c", type: type.0, notNull: true)
            let result = try encode(block, mapping, [column], limits: CodecLimits(maxValueBytes: 100))
            // Reading the rows back checks that fields and rows end where they say.
            #expect(result.rows.allSatisfy { $0.count == 1 && $0[0] != nil })
            #expect(result.rows.count + result.rejected.count == block.count)
            #expect(!result.rows.isEmpty && !result.rejected.isEmpty, "\(type)")
        }
    }

    @Test func noPathTrapsOnRandomJSON() throws {
        var generator = SeededGenerator(seed: 7)
        let paths: [[ColumnMapping.PathStep]] = [
            [.key("bid")], [.key("ask"), .index(0), .index(2)], [.index(1), .index(0)], [.key("")], [.index(2)],
        ]
        let columns = paths.indices.map { CatalogColumn(name: "c\($0)", type: .text(maxLength: nil)) }
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t",
            columns: paths.enumerated().map { ColumnMapping(column: "c\($0)", source: .fields(["f"]), path: $1) })
        for _ in 0..<20 {
            let block = makeBlock(raw: (0..<1_000).map { _ in [(Array("f".utf8), randomValue(&generator))] })
            let result = try encode(block, mapping, columns)
            #expect(result.rows.count + result.rejected.count == 1_000)
        }
    }
}
