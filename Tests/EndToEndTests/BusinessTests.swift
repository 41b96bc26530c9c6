import Foundation
import IngestTesting
import PostgresWire
import Testing

extension EndToEnd {
    /// Positions and orders whose updates come out of order, to several workers, one of which is killed.
    struct BusinessTests {
        private struct OrderUpdate {
            var number: Int
            var updatedAt: Int64
            var createdAt: Int64?
            var filled: Int
        }

        private static let start: Int64 = 1_735_689_600_000_000

        private static func positionEvents(_ count: Int) -> [PositionEvent] {
            (0..<count).map { number in
                PositionEvent(
                    exchange: "X", symbol: "S\(Int.random(in: 0..<40))",
                    // Few enough times for ties, which the entry decides.
                    updatedAt: start + Int64.random(in: 0..<400), entry: UInt64(number),
                    amount: Int.random(in: 0..<4), entryPrice: 1 + number, markPrice: 1 + number % 7)
            }
        }

        private static func entry(_ event: PositionEvent) -> RawEntry {
            RawEntry(
                "md:positions",
                [
                    "exchange": event.exchange, "symbol": event.symbol, "side": "long", "amount": "\(event.amount)",
                    "entry_price": "\(event.entryPrice)", "mark_price": event.markPrice.map(String.init) ?? "",
                    "updated_at": "\(event.updatedAt)",
                ])
        }

        private static func orderUpdates(_ count: Int) -> [OrderUpdate] {
            (0..<count).map { number in
                OrderUpdate(
                    number: Int.random(in: 0..<200), updatedAt: start + Int64.random(in: 0..<400),
                    createdAt: number % 5 == 0 ? start - Int64(number) : nil, filled: number)
            }
        }

        private static func entry(_ update: OrderUpdate) -> RawEntry {
            let entry = RawEntry(
                "md:orders",
                [
                    "exchange_order_id": "o\(update.number)", "exchange": "X", "symbol": "S", "type": "limit",
                    "side": "buy", "amount": "100000", "status": "open", "filled_amount": "\(update.filled)",
                    "updated_at": "\(update.updatedAt)",
                ])
            return update.createdAt.map { entry.adding([(Array("created_at".utf8), Array("\($0)".utf8))]) } ?? entry
        }

        /// Rows as `orders` must have them: the latest update, and the earliest moment that any names.
        private static func model(_ updates: [OrderUpdate]) -> Set<String> {
            let byOrder = Dictionary(grouping: updates.enumerated(), by: \.element.number)
            return Set(
                byOrder.map { number, updates in
                    let last = updates.max { ($0.element.updatedAt, $0.offset) < ($1.element.updatedAt, $1.offset) }
                    let created = updates.map { $0.element.createdAt ?? $0.element.updatedAt }.min() ?? 0
                    return "o\(number) \(last?.element.filled ?? -1) \(created) \(last?.element.updatedAt ?? 0)"
                })
        }

        private static let orderQuery = """
            SELECT concat_ws(' ', exchange_order_id, filled_amount::bigint,
                             (extract(epoch FROM created_at) * 1000000)::bigint,
                             (extract(epoch FROM updated_at) * 1000000)::bigint) AS t FROM orders
            """

        private static func lines(_ scene: Scene, _ query: String) throws -> [String] {
            try scene.rows(query).map { try $0.requiredText("t") }.sorted()
        }

        @Test func shuffledUpdatesEndInTheLatestStateThoughAWorkerIsKilled() async throws {
            let scene = try await Scene()
            let events = Self.positionEvents(12_000)
            let updates = Self.orderUpdates(12_000)
            let entries = zip(events, updates).flatMap { [Self.entry($0), Self.entry($1)] }
            var fleet = try Fleet(scene, count: 2, settings: ["batching.rows": "100"])
            // Each kill has entries of its own to leave behind.
            for start in stride(from: 0, to: entries.count, by: 3_000) {
                let part = Array(entries[start..<min(start + 3_000, entries.count)])
                let feeding = Task { try await onThread { try scene.add(part) } }
                if fleet.effectiveKills < 3 { try await fleet.kill() }
                _ = try await feeding.value
            }
            try await eventually(within: .seconds(60), "everything is stored: \(fleet.report)") {
                try scene.covered() == entries.count
            }
            try await fleet.stop()
            try await scene.drain()
            print("positions and orders: \(fleet.report)")

            #expect(fleet.effectiveKills > 0, "a kill that left nothing behind proves little")
            #expect(try scene.letterCount() == 0)
            #expect(try scene.covered() == entries.count)
            let model = PositionModel(events)
            #expect(!model.current.isEmpty && model.history.count > 1_000)
            #expect(try Self.lines(scene, PositionModel.currentQuery) == model.current.sorted())
            #expect(try Self.lines(scene, PositionModel.historyQuery) == model.history.sorted())
            #expect(try Self.lines(scene, Self.orderQuery) == Self.model(updates).sorted())
            await scene.stop()
        }

        @Test func rowsAreAccountedForAsStoredOrDuplicate() async throws {
            let scene = try await Scene()
            let event = Self.positionEvents(1)[0]
            let update = Self.orderUpdates(1)[0]
            try scene.add([Self.entry(event), Self.entry(event), Self.entry(update), Self.entry(update)])
            var old = update
            old.updatedAt -= 1_000_000_000
            old.createdAt = update.updatedAt
            try scene.add([Self.entry(old), Self.entry(update).replacing("updated_at", with: Array("9e20".utf8))])
            try await scene.drain()
            #expect(try scene.number("SELECT sum(rows + duplicates) FROM ingest.batch") == 5)
            #expect(try scene.number("SELECT count(*) FROM orders") == 1)
            #expect(try scene.letterCount() == 1, "a time beyond the window must not freeze the order")
            await scene.stop()
        }
    }
}
