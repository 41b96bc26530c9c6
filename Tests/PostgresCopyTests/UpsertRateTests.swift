import PostgresCopy
import PostgresWire
import RecordCodec
import Records
import Testing

/// How fast rows are upserted: printed, not judged; a debug build on a busy machine proves nothing.
@Suite struct UpsertRateTests {
    private static let batch = 5_000
    private static let rounds = 6

    private static func column(_ name: String, _ field: String? = nil) -> ColumnMapping {
        ColumnMapping(column: name, source: .fields([field ?? name]))
    }

    private static let moments = [column("created_at", "time"), column("updated_at", "time")]

    private static let orders = StreamMapping(
        name: "orders", keys: ["md:orders"], table: "orders",
        columns: ["exchange_order_id", "exchange", "symbol", "type", "side", "amount", "status"].map { column($0) }
            + moments + [ColumnMapping(column: "entry_id", source: .entryID)], timeWindow: nil)

    private static let positions = StreamMapping(
        name: "positions", keys: ["md:positions"], table: "current_positions",
        columns: ["exchange", "symbol", "side", "amount", "entry_price", "mark_price"].map { column($0) } + moments
            + [ColumnMapping(column: "entry_id", source: .entryID)], timeWindow: nil)

    /// A batch of entries, each of another order, and of one of 500 positions.
    private static func block(_ stream: StreamKey, round: Int) -> EntryBlock {
        var block = EntryBlock()
        var bytes: [UInt8] = []
        block.beginStream(stream)
        for number in 0..<batch {
            block.beginEntry(StreamID(milliseconds: UInt64(round), sequence: UInt64(number)))
            let start = bytes.count
            let isClose = (number / 500 + round) % 7 == 0
            let fields = [
                ("exchange_order_id", "order-\(number)"), ("exchange", "X"), ("symbol", "S\(number % 500)"),
                ("type", "limit"), ("side", "buy"), ("amount", isClose ? "0" : "1.25"), ("status", "open"),
                ("entry_price", "65432.10"), ("mark_price", "65433.20"),
                ("time", "\(1_735_689_600_000_000 + round * batch + number)"),
            ]
            for part in fields.flatMap({ [$0.0, $0.1] }) {
                block.appendSlice(offset: bytes.count, length: part.utf8.count)
                bytes += part.utf8
            }
            block.endEntry(raw: .init(offset: start, length: bytes.count - start))
        }
        block.endStream()
        block.adopt(bytes: bytes + [UInt8](repeating: 0, count: EntryBlock.slack))
        return block
    }

    private static func measure(
        _ mapping: StreamMapping, _ policy: PostgresCopy.ConflictPolicy, _ session: CommitSession
    ) throws {
        let stream = StreamKey(mapping.keys[0])
        let table = try Catalog(session.connection).describe(TableName(mapping.table), deadline: .soon)
        let plan = try RowPlan(
            mapping,
            columns: table.columns.map {
                CatalogColumn(
                    name: $0.name, type: ColumnType(typeName: $0.typeName, typmod: $0.typmod), notNull: $0.isNotNull,
                    hasDefault: $0.hasDefault)
            })
        let target = try CopyTarget(table, columns: plan.columns, policy: policy)
        var encoder = try StreamEncoder(plans: [plan])
        let rows = TableRows(for: plan)
        var seconds: [Double] = []
        for round in 1...rounds {
            rows.begin()
            var rejected: [RejectedEntry] = []
            let block = block(stream, round: round)
            _ = encoder.encode(
                0..<block.count, of: block, stream: stream, now: 0, into: [rows], rejected: &rejected)
            #expect(rejected.isEmpty && rows.rowCount == batch)
            let id = UInt64(round) + (mapping.name == "orders" ? 0 : 100)
            let unit = CommitUnit(
                rows: [.init(target: target, count: rows.rowCount, source: rows)], ranges: [range(id, id)])
            let start = ContinuousClock.now
            let report = session.commit(unit, deadline: .soon)
            seconds.append((ContinuousClock.now - start) / .seconds(1))
            #expect(report.isDurable, "\(String(describing: report.failure))")
            #expect(report.tables[0].stored == batch)
        }
        let rates = seconds.map { Int(Double(batch) / $0) }
        print("upserts of \(mapping.name), batches of \(batch): first \(rates[0]) rows/s, then \(rates.dropFirst())")
    }

    @Test func ordersAndPositionsAreUpserted() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let version = ["updated_at", "entry_id"]
            try Self.measure(
                Self.orders,
                .update(key: ["exchange", "exchange_order_id"], version: version, earliest: ["created_at"]), session)
            try Self.measure(
                Self.positions,
                .apply(
                    key: ["exchange", "symbol", "side"], version: version,
                    function: TableName(schema: "ingest", "apply_positions")), session)
        }
    }
}
