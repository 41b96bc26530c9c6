import Records
import Testing

@testable import RecordCodec

struct StreamEncoderTests {
    private let columns = [
        CatalogColumn(name: "symbol", type: .text(maxLength: nil), notNull: true),
        CatalogColumn(name: "price", type: .numeric(38, 18)),
    ]

    private func mapping(_ columns: [ColumnMapping]? = nil) -> StreamMapping {
        StreamMapping(
            name: "m", keys: ["s"], table: "t",
            columns: columns ?? [
                ColumnMapping(column: "symbol", source: .fields(["symbol"])),
                ColumnMapping(column: "price", source: .fields(["price"]), nullTexts: ["None"]),
            ])
    }

    @Test func aRowIsHeaderTupleAndTrailer() throws {
        let result = try encode(makeBlock([[("symbol", "BTC"), ("price", "1.5")]]), mapping(), columns)
        result.batch.finish()
        result.batch.finish()
        var expected = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        expected += [0, 2, 0, 0, 0, 3] + Array("BTC".utf8)
        expected += [0, 0, 0, 12, 0, 2, 0, 0, 0, 0, 0, 18, 0, 1, 0x13, 0x88]
        expected += [0xFF, 0xFF]
        #expect(result.batch.bytes == expected)
        #expect(result.batch.rowCount == 1)
    }

    @Test func aRejectedRowLeavesNoBytes() throws {
        let block = makeBlock([
            [("symbol", "A"), ("price", "x")], [("symbol", "B"), ("price", "2")], [("price", "3")],
        ])
        let result = try encode(block, mapping(), columns)
        #expect(result.rows.count == 1)
        #expect(result.rows[0][0] == Array("B".utf8))
        #expect(
            result.rejected == [
                RejectedEntry(
                    index: 0, rejection: Rejection(.notANumber, field: "price", column: "price", table: "t")),
                RejectedEntry(
                    index: 2, rejection: Rejection(.missingField, field: "symbol", column: "symbol", table: "t")),
            ])
        #expect(result.batch.rows == [.init(offset: TableRows.headerBytes, entry: 1)])
    }

    @Test func fieldsAreFoundWhateverTheirOrder() throws {
        let block = makeBlock([
            [("symbol", "A"), ("price", "1")], [("price", "1"), ("symbol", "A")],
            [("extra", "9"), ("price", "1"), ("symbol", "A")], [("symbol", "A"), ("price", "1")],
            [("price", "1"), ("symbol", "A"), ("more", "")],
            [("a_long_name_beyond_8", "1"), ("price", "1"), ("symbol", "A")],
            [("a_long_name_beyond_9", "1"), ("price", "1"), ("symbol", "A")],
        ])
        let result = try encode(block, mapping(), columns)
        #expect(result.rejected.isEmpty)
        #expect(result.rows.count == 7)
        #expect(Set(result.rows).count == 1)
    }

    @Test func aMissingFieldIsNullWhereTheColumnAllowsIt() throws {
        let block = makeBlock([[("symbol", "A")], [("symbol", "A"), ("price", "None")]])
        let result = try encode(block, mapping(), columns)
        #expect(result.rows.map { $0[1] } == [nil, nil])
    }

    // MARK: Mappings of one stream

    @Test func theFirstMappingWhoseConditionHoldsTakesTheEntry() throws {
        let text = ColumnType.text(maxLength: nil)
        func plan(_ name: String, _ condition: StreamMapping.Condition?) throws -> RowPlan {
            try RowPlan(
                StreamMapping(
                    name: name, keys: [], table: name, condition: condition,
                    columns: [ColumnMapping(column: "c", source: .fields(["v"]))]),
                columns: [CatalogColumn(name: "c", type: text)])
        }
        let plans = [
            try plan("a", .equals(field: "kind", value: "snapshot")), try plan("b", .present("book")),
            try plan("c", .equals(field: "kind", value: "a value of more than eight")),
        ]
        var encoder = try StreamEncoder(plans: plans)
        let batches = plans.map { TableRows(for: $0) }
        let block = makeBlock([
            [("kind", "snapshot"), ("v", "1")], [("kind", "other"), ("v", "2")], [("book", "x"), ("v", "3")],
            [("kind", "other"), ("book", ""), ("v", "4")], [("kind", "a value of more than eight"), ("v", "5")],
            [("kind", "a value of more thou eight"), ("v", "6")], [("kind", "snapshot"), ("book", ""), ("v", "7")],
            [("v", "8")],
        ])
        var rejected: [RejectedEntry] = []
        let end = encoder.encode(
            0..<8, of: block, stream: StreamKey("s"), now: 0, into: batches, rejected: &rejected)
        #expect(end == 8)
        #expect(batches.map { $0.rows.map(\.entry) } == [[0, 6], [2, 3], [4]])
        #expect(rejected.map(\.index) == [1, 5, 7])
        #expect(rejected.allSatisfy { $0.rejection == Rejection(.noMapping) })
    }

    @Test func mappingsMayShareABatch() throws {
        let columns = [CatalogColumn(name: "c", type: .text(maxLength: nil))]
        let plans = try ["x", "y"].map {
            try RowPlan(
                StreamMapping(
                    name: $0, keys: [], table: "t", condition: .present($0),
                    columns: [ColumnMapping(column: "c", source: .fields([$0]))]),
                columns: columns)
        }
        var encoder = try StreamEncoder(plans: plans, outputs: [0, 0])
        let batch = TableRows(for: plans[0])
        var rejected: [RejectedEntry] = []
        let block = makeBlock([[("x", "1")], [("y", "2")], [("x", "3")]])
        _ = encoder.encode(0..<3, of: block, stream: StreamKey("s"), now: 0, into: [batch], rejected: &rejected)
        #expect(batch.fields.map { $0[0] } == ["1", "2", "3"].map { Array($0.utf8) })
    }

    // MARK: Sources

    @Test func valuesMayComeFromTheEntryTheStreamOrTheConfiguration() throws {
        let text = ColumnType.text(maxLength: nil)
        let columns = [
            CatalogColumn(name: "id", type: .uuid), CatalogColumn(name: "id_text", type: text),
            CatalogColumn(name: "at", type: .timestamptz), CatalogColumn(name: "at_ms", type: .int8),
            CatalogColumn(name: "day", type: .date), CatalogColumn(name: "stream", type: text),
            CatalogColumn(name: "version", type: .int4),
        ]
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t",
            columns: [
                ColumnMapping(column: "id", source: .entryID), ColumnMapping(column: "id_text", source: .entryID),
                ColumnMapping(column: "at", source: .entryTime), ColumnMapping(column: "at_ms", source: .entryTime),
                ColumnMapping(column: "day", source: .entryTime), ColumnMapping(column: "stream", source: .streamName),
                ColumnMapping(column: "version", source: .constant("7")),
            ])
        let row = try #require(try encode(makeBlock([[("x", "")]]), mapping, columns, stream: "md:trades").rows.first)
        #expect(row[0] == bytes(of: Int64(1_700_000_000_000)) + bytes(of: Int64(0)))
        #expect(row[1] == Array("1700000000000-0".utf8))
        #expect(row[2] == bytes(of: Int64(1_700_000_000_000_000 - 946_684_800_000_000)))
        #expect(row[3] == bytes(of: Int64(1_700_000_000_000)))
        #expect(row[4] == bytes(of: Int32(8718)))
        #expect(row[5] == Array("md:trades".utf8))
        #expect(row[6] == bytes(of: Int32(7)))
    }

    @Test func theFirstFieldThatHasAValueCountsThenTheFallback() throws {
        func values(_ fallback: ColumnMapping.Fallback?, _ entries: [[(String, String)]]) throws -> [String?] {
            let mapping = StreamMapping(
                name: "m", keys: [], table: "t",
                columns: [
                    ColumnMapping(
                        column: "c", source: .fields(["a", "b"]), nullTexts: ["None", ""], fallback: fallback)
                ])
            return try encode(makeBlock(entries), mapping, [CatalogColumn(name: "c", type: .text(maxLength: nil))])
                .rows.map { $0[0].map { String(decoding: $0, as: UTF8.self) } }
        }
        let entries = [
            [("a", "1"), ("b", "2")], [("a", "None"), ("b", "2")], [("b", "2")], [("a", ""), ("b", "None")],
            [("x", "9")], [("c", "3")],
        ]
        #expect(try values(nil, entries) == ["1", "2", "2", nil, nil, nil])
        #expect(try values(.constant("k"), entries) == ["1", "2", "2", "k", "k", "k"])
        #expect(try values(.field("c"), entries) == ["1", "2", "2", nil, nil, "3"])
        #expect(try values(.streamName, entries) == ["1", "2", "2", "s", "s", "s"])
        #expect(try values(.entryID, [[("x", "")]]) == ["1700000000000-0"])
    }

    @Test func aRequiredValueThatIsMissingIsToldFromOneThatIsNull() throws {
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t",
            columns: [ColumnMapping(column: "c", source: .fields(["a", "b"]), nullTexts: ["None"])])
        let column = CatalogColumn(name: "c", type: .int4, notNull: true, hasDefault: true)
        let block = makeBlock([[("x", "")], [("b", "None")], [("b", "x")]])
        #expect(
            try encode(block, mapping, [column]).rejected.map(\.rejection) == [
                Rejection(.missingField, field: "a", column: "c", table: "t"),
                Rejection(.nullValue, field: "a", column: "c", table: "t"),
                Rejection(.notANumber, field: "b", column: "c", table: "t"),
            ])
    }

    @Test func aLookupTranslatesOrRejects() throws {
        func values(others: Bool) throws -> Encoded {
            let mapping = StreamMapping(
                name: "m", keys: [], table: "t",
                columns: [
                    ColumnMapping(
                        column: "c", source: .fields(["a"]), lookup: ["True": "yes", "a longer text": "no"],
                        lookupOthers: others)
                ])
            let block = makeBlock([[("a", "True")], [("a", "a longer text")], [("a", "true")]])
            return try encode(block, mapping, [CatalogColumn(name: "c", type: .text(maxLength: nil))])
        }
        #expect(try values(others: true).rows.map { $0[0] } == ["yes", "no", "true"].map { Array($0.utf8) })
        let strict = try values(others: false)
        #expect(strict.rows.count == 2)
        #expect(strict.rejected.map(\.rejection) == [Rejection(.unknownLookup, field: "a", column: "c", table: "t")])
    }

    // MARK: Entries

    @Test func aMappedFieldThatRepeatsIsRejectedAnyOtherIsNot() throws {
        let block = makeBlock([
            [("symbol", "A"), ("price", "1"), ("price", "1")], [("symbol", "A"), ("x", "1"), ("x", "2")],
            [("symbol", "A"), ("price", "1"), ("symbol", "B")],
        ])
        let result = try encode(block, mapping(), columns)
        #expect(result.batch.rows.map(\.entry) == [1])
        #expect(
            result.rejected.map(\.rejection) == [
                Rejection(.duplicateField, field: "price", table: "t"),
                Rejection(.duplicateField, field: "symbol", table: "t"),
            ])
    }

    @Test func entriesBeyondTheLimitsAreRejected() throws {
        let limits = CodecLimits(maxFields: 3, maxEntryBytes: 100)
        let block = makeBlock([
            [("symbol", "A"), ("a", ""), ("b", "")], [("symbol", "A"), ("a", ""), ("b", ""), ("c", "")],
            [("symbol", "A"), ("a", String(repeating: "x", count: 100))],
        ])
        let result = try encode(block, mapping(), columns, limits: limits)
        #expect(result.rejected.map(\.rejection) == [Rejection(.tooManyFields), Rejection(.tooLarge)])
    }

    @Test func anEntryWithoutItsFieldsIsRejected() throws {
        var block = EntryBlock()
        block.beginStream(StreamKey("s"))
        for body in [EntryBlock.Body.deleted, .skipped(byteCount: 9_000_000), .kept] {
            block.beginEntry(.max)
            block.endEntry(raw: .init(offset: 0, length: 0), body: body)
        }
        block.endStream()
        block.adopt(bytes: [UInt8](repeating: 0, count: EntryBlock.slack))
        let result = try encode(block, mapping(), columns)
        #expect(result.rejected.map(\.rejection.reason) == [.deleted, .tooLarge, .noMapping])
    }

    @Test func namesThatAreNotUTF8OrEmptyAreJustNames() throws {
        let block = makeBlock(raw: [
            [([0xFF, 0], [1]), (Array("symbol".utf8), [0x41]), ([], []), (Array("price".utf8), [0x31])]
        ])
        #expect(try encode(block, mapping(), columns).rows.count == 1)
    }

    @Test func skippedEntriesAreLeftOut() throws {
        let plan = try RowPlan(mapping(), columns: columns)
        var encoder = try StreamEncoder(plans: [plan])
        let batch = TableRows(for: plan)
        var rejected: [RejectedEntry] = []
        let block = makeBlock((0..<8).map { [("symbol", "\($0)")] })
        let end = encoder.encode(
            2..<7, of: block, stream: StreamKey("s"), now: 0, skipping: [0, 2, 4, 6, 7], into: [batch],
            rejected: &rejected)
        #expect(end == 7)
        #expect(batch.rows.map(\.entry) == [3, 5])
    }

    @Test func encodingStopsBeforeADayTooMany() throws {
        let columns = [CatalogColumn(name: "time", type: .timestamptz, notNull: true)]
        let mapping = StreamMapping(
            name: "m", keys: [], table: "t", columns: [ColumnMapping(column: "time", source: .fields(["ts"]))])
        let plan = try RowPlan(mapping, columns: columns)
        var encoder = try StreamEncoder(plans: [plan], limits: CodecLimits(maxDistinctDays: 2))
        let batch = TableRows(for: plan)
        var rejected: [RejectedEntry] = []
        let days = ["2021-01-01", "2021-01-02", "bad", "2021-01-01T23:00", "2021-01-03", "2021-01-02"]
        let block = makeBlock(days.map { [("ts", $0)] })
        func run(_ start: Int) -> Int {
            encoder.encode(
                start..<6, of: block, stream: StreamKey("s"), now: 1_700_000_000_000_000, into: [batch],
                rejected: &rejected)
        }
        #expect(run(0) == 4)
        #expect(batch.rowCount == 3 && batch.distinctDays == 2)
        #expect(rejected.map(\.index) == [2])
        batch.begin()
        #expect(run(4) == 6)
        #expect(batch.rows.map(\.entry) == [4, 5])
    }

    @Test func someRowsCanBeTakenOutOfABatch() throws {
        let block = makeBlock((0..<4).map { [("symbol", "row\($0)")] })
        let result = try encode(block, mapping(), columns)
        result.batch.finish()
        let whole = result.batch.bytes
        let parts = [0..<1, 1..<3, 3..<4].flatMap { range in
            result.batch.withUnsafeBytes(ofRows: range) { Array($0) }
        }
        #expect(Array(whole.dropFirst(TableRows.headerBytes).dropLast(TableRows.trailerBytes)) == parts)
        #expect(result.batch.withUnsafeBytes(ofRows: 2..<2) { $0.count } == 0)
    }

    @Test func aBatchGivesMemoryBackThatItDoesNotNeed() throws {
        let result = try encode(makeBlock([[("symbol", String(repeating: "x", count: 500_000))]]), mapping(), columns)
        result.batch.keptBytes = 1000
        result.batch.begin()
        #expect(result.batch.contents.buffer.capacity == 1000)
        #expect(result.batch.byteCount == TableRows.headerBytes)
    }
}
