import Records
import Testing

@testable import RecordCodec

struct RowPlanTests {
    private let catalog = [
        CatalogColumn(name: "id", type: .int8, notNull: true, hasDefault: true),
        CatalogColumn(name: "time", type: .timestamptz, notNull: true),
        CatalogColumn(name: "price", type: .numeric(38, 18)),
        CatalogColumn(name: "place", type: .unsupported("point")),
        CatalogColumn(name: "label", type: .text(maxLength: 5)),
    ]

    private func problem(_ columns: [ColumnMapping], key: [String] = [], window: TimeWindow? = .standard) -> PlanError?
    {
        let mapping = StreamMapping(name: "m", keys: [], table: "t", columns: columns, key: key, timeWindow: window)
        do throws(PlanError) {
            _ = try RowPlan(mapping, columns: catalog)
            return nil
        } catch { return error }
    }

    private let time = ColumnMapping(column: "time", source: .fields(["ts"]))

    @Test func columnsStandInTheOrderOfTheCatalog() throws {
        let mapping = StreamMapping(
            name: "m", keys: [], table: "s.t", columns: [ColumnMapping(column: "label", source: .streamName), time])
        let plan = try RowPlan(mapping, columns: catalog)
        #expect(plan.columns == ["time", "label"])
        #expect(plan.table == "s.t")
        #expect(plan.timeColumn == "time")
    }

    @Test func eachMisfitIsNamed() {
        func column(_ name: String, format: ColumnMapping.Format = .automatic, _ source: ColumnMapping.Source? = nil)
            -> ColumnMapping
        {
            ColumnMapping(column: name, source: source ?? .fields(["f"]), format: format)
        }
        #expect(problem([time, column("prize")])?.problem == .unknownColumn(nearest: "price"))
        #expect(problem([time, column("something_else")])?.problem == .unknownColumn(nearest: nil))
        #expect(problem([time], key: ["tim"])?.problem == .unknownColumn(nearest: "time"))
        #expect(problem([time, column("place")])?.problem == .unsupportedType(.unsupported("point")))
        #expect(problem([column("price")])?.problem == .unfilled)
        #expect(problem([time, time])?.problem == .repeatedColumn)
        #expect(problem([])?.problem == .nothingToFill)
        #expect(problem([column("time", .fields([]))])?.problem == .nothingToFill)
        #expect(
            problem([time, column("price", format: .iso8601)])?.problem
                == .formatDoesNotFit(.iso8601, .numeric(38, 18)))
        #expect(problem([time, column("price", format: .book)])?.problem == .formatDoesNotFit(.book, .numeric(38, 18)))
        #expect(
            problem([time, column("price", .entryID)])?.problem
                == .sourceDoesNotFit("the entry's id", .numeric(38, 18)))
        #expect(problem([time, column("price", .constant("abc"))])?.problem == .badConstant("abc", .notANumber))
        #expect(problem([time, column("label", .constant("toolong"))])?.problem == .badConstant("toolong", .tooLong))
        let window = TimeWindow(column: "price", earliestMicroseconds: 0, aheadMicroseconds: 0)
        #expect(problem([time, column("price")], window: window)?.problem == .windowWithoutTime)
        #expect(problem([time, column("price", .constant("1.5"))]) == nil)
    }

    @Test func anErrorSaysWhereAndWhatToDo() {
        #expect(
            problem([time, ColumnMapping(column: "prize", source: .fields(["p"]))])?.description
                == "mapping \"m\": t has no column \"prize\"; did you mean \"price\"?")
        #expect(
            problem([ColumnMapping(column: "price", source: .fields(["p"]))])?.description
                == "mapping \"m\": column \"time\" of t is NOT NULL without default; map a field or constant to it")
    }

    @Test func plansThatShareABatchMustAgree() throws {
        let one = try RowPlan(StreamMapping(name: "a", keys: [], table: "t", columns: [time]), columns: catalog)
        let other = try RowPlan(
            StreamMapping(
                name: "b", keys: [], table: "t", columns: [time, ColumnMapping(column: "label", source: .streamName)]),
            columns: catalog)
        #expect(throws: PlanError.self) { try StreamEncoder(plans: [one, other], outputs: [0, 0]) }
        _ = try StreamEncoder(plans: [one, other])
        _ = try StreamEncoder(plans: [one, one], outputs: [0, 0])
    }

    @Test func typesAreReadFromTheCatalog() {
        #expect(ColumnType(typeName: "numeric", typmod: 2_490_390) == .numeric(38, 18))
        #expect(ColumnType(typeName: "numeric", typmod: -1) == .numeric(nil))
        // numeric(5,-2) and numeric(3,5) of PostgreSQL 15.
        #expect(ColumnType(typeName: "numeric", typmod: 329_730) == .numeric(5, -2))
        #expect(ColumnType(typeName: "numeric", typmod: 196_617) == .numeric(3, 5))
        #expect(ColumnType(typeName: "varchar", typmod: 68) == .text(maxLength: 64))
        #expect(ColumnType(typeName: "bpchar", typmod: 7) == .text(maxLength: 3))
        #expect(ColumnType(typeName: "varchar", typmod: -1) == .text(maxLength: nil))
        #expect(ColumnType(typeName: "_text", typmod: -1) == .array(of: .text(maxLength: nil), elementOID: 25))
        #expect(ColumnType(typeName: "_numeric", typmod: 2_490_390) == .array(of: .numeric(38, 18), elementOID: 1700))
        #expect(ColumnType(typeName: "_point", typmod: -1) == .unsupported("_point"))
        #expect(ColumnType(typeName: "money", typmod: -1) == .unsupported("money"))
        #expect(ColumnType.array(of: .numeric(38, 18), elementOID: 1700).description == "numeric(38,18)[]")
    }
}
