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
}
