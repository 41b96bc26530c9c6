import IngestTesting
import PostgresCopy
import PostgresWire
import Testing

/// `ingest.apply_positions`: the tables are a function of the events, not of the order or the batches they come in.
@Suite struct PositionTests {
    private static func array(_ events: [PositionEvent]) -> String {
        let rows = events.map { event in
            let mark = event.markPrice.map(String.init) ?? "NULL"
            let created = event.createdAt.map { "to_timestamp(\($0)::numeric / 1000000)" } ?? "NULL"
            let id = "'00000000-0000-0000-0000-\(String(repeating: "0", count: 12 - String(event.entry).count))"
            return "ROW(NULL, '\(event.exchange)', '\(event.symbol)', 'long', \(event.amount), \(event.entryPrice), "
                + "\(mark), NULL, NULL, NULL, NULL, NULL, \(id)\(event.entry)', \(created), "
                + "to_timestamp(\(event.updatedAt)::numeric / 1000000))::public.current_positions"
        }
        return "ARRAY[\(rows.joined(separator: ", "))]::public.current_positions[]"
    }

    @discardableResult
    private static func apply(_ events: [PositionEvent], _ connection: PostgresConnection) throws -> Int64? {
        try connection.number("SELECT ingest.apply_positions(\(array(events)))")
    }

    private static func lines(_ sql: String, _ connection: PostgresConnection) throws -> [String] {
        try connection.query(sql, deadline: .soon).map { try $0.requiredText("t") }.sorted()
    }

    private static func expectState(
        of events: some Sequence<PositionEvent>, _ connection: PostgresConnection,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let model = PositionModel(events)
        let current = try lines(PositionModel.currentQuery, connection)
        let history = try lines(PositionModel.historyQuery, connection)
        #expect(current == model.current.sorted(), sourceLocation: sourceLocation)
        #expect(history == model.history.sorted(), sourceLocation: sourceLocation)
    }

    private static func event(_ time: Int64, _ amount: Int, entry: UInt64? = nil, in exchange: String = "X")
        -> PositionEvent
    {
        PositionEvent(
            exchange: exchange, symbol: "S", updatedAt: time, entry: entry ?? UInt64(time), amount: amount,
            entryPrice: 100 + Int(time), markPrice: time % 2 == 0 ? Int(time) : nil)
    }

    private static func permutations<Element>(_ items: [Element]) -> [[Element]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }

    /// Cuts a list into batches of random sizes.
    private static func batches<Element>(_ items: [Element]) -> [[Element]] {
        items.reduce(into: [[]]) { batches, item in
            if Bool.random(), batches.last?.isEmpty == false { batches.append([]) }
            batches[batches.count - 1].append(item)
        }
    }

    private static func play(_ batches: [[PositionEvent]], _ connection: PostgresConnection) throws {
        for batch in batches { try apply(batch, connection) }
    }

    @Test func everyOrderOfOpenCloseAndReopenEndsAlike() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            var all: [PositionEvent] = []
            // Open, grow, close, told closed again, open again, close: two positions in the history.
            let story = [(1, 5), (2, 7), (3, 0), (4, 0), (5, 2), (6, 0)] as [(Int64, Int)]
            for (number, order) in Self.permutations(story).enumerated() {
                let events = order.map { Self.event($0.0, $0.1, in: "p\(number)") }
                all += events
                try Self.play(number % 2 == 0 ? events.map { [$0] } : Self.batches(events), connection)
            }
            #expect(PositionModel(all).history.count == 1_440)
            try Self.expectState(of: all, connection)
        }
    }

    @Test func randomEventsInRandomOrdersEndAlike() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            var all: [PositionEvent] = []
            for trial in 0..<600 {
                let events = (1...Int.random(in: 2...9)).map { entry in
                    // Few times, so that ties come; the entry decides them.
                    PositionEvent(
                        exchange: "t\(trial)", symbol: "S\(entry % 2)", updatedAt: Int64.random(in: 1...5),
                        entry: UInt64(entry), amount: [0, 0, 1, 2].randomElement() ?? 0, entryPrice: entry,
                        markPrice: Bool.random() ? entry * 10 : nil, createdAt: Bool.random() ? -Int64(entry) : nil)
                }
                all += events
                let resent = events.filter { _ in Int.random(in: 0..<4) == 0 }
                try Self.play(Self.batches((events + resent).shuffled()), connection)
            }
            try Self.expectState(of: all, connection)
        }
    }

    @Test func aLateUpdateDoesNotResurrectAndANewerOneOpensAgain() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try Self.play([[Self.event(1, 5)], [Self.event(4, 0)]], connection)
            #expect(try connection.rowCount("current_positions") == 0)
            try Self.apply([Self.event(3, 6)], connection)
            #expect(try connection.rowCount("current_positions") == 0)
            #expect(try connection.number("SELECT amount FROM position_history") == 6)
            try Self.apply([Self.event(5, 1)], connection)
            #expect(try connection.rowCount("current_positions") == 1)
            #expect(try connection.rowCount("position_history") == 1)
        }
    }

    @Test func countsEachEventOnceAndResentOnesAsDuplicates() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            #expect(try Self.apply([Self.event(1, 5), Self.event(2, 0), Self.event(2, 0)], connection) == 2)
            #expect(try Self.apply([Self.event(2, 0), Self.event(3, 0)], connection) == 1)
            #expect(try connection.rowCount("position_history") == 1)
        }
    }

    @Test func aPositionFromBeforeTheStreamIsClosedLikeAnyOther() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            try connection.execute(
                """
                INSERT INTO current_positions (exchange, symbol, side, amount, entry_price, created_at, updated_at)
                VALUES ('X', 'S', 'long', 9, 11, 'epoch', 'epoch')
                """, deadline: .soon)
            try Self.apply([Self.event(8, 0)], connection)
            #expect(try Self.lines(PositionModel.historyQuery, connection) == ["X S 9 11 8 0 8 8"])
            #expect(try connection.rowCount("current_positions") == 0)
        }
    }

    @Test func pruningForgetsClosedPositionsAndKeepsWhatOpenOnesNeed() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let open = (11...16).map { Self.event($0, Int($0), in: "open") } as [PositionEvent]
            let closed = [Self.event(1, 5, in: "closed"), Self.event(2, 0, in: "closed")]
            try Self.play([open, closed], connection)
            #expect(try connection.number("SELECT ingest.prune_position_events('30 d')") == 0)
            for age in ["'-1 day'", "'0'", "NULL"] {
                #expect(try connection.number("SELECT ingest.prune_position_events(\(age))") == 0)
            }
            try connection.execute(
                "UPDATE ingest.position_event SET seen_at = seen_at - interval '31 d';"
                    + "UPDATE ingest.position_key SET seen_at = seen_at - interval '31 d'", deadline: .soon)
            #expect(try connection.number("SELECT ingest.prune_position_events('30 d')") == 6)
            #expect(try connection.rowCount("ingest.position_key") == 1)
            let close = Self.event(20, 0, in: "open")
            try Self.apply([close], connection)
            try Self.expectState(of: open + closed + [close], connection)
        }
    }

    @Test func theRightsOfAWriterSuffice() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let role = "position_writer_\(UInt32.random(in: 0 ... .max))"
            try connection.execute(
                """
                CREATE ROLE \(role); GRANT USAGE ON SCHEMA ingest, public TO \(role);
                GRANT SELECT, INSERT, UPDATE ON current_positions, position_history, ingest.position_key TO \(role);
                GRANT DELETE ON current_positions TO \(role); GRANT SELECT, INSERT ON ingest.position_event TO \(role);
                SET ROLE \(role)
                """, deadline: .soon)
            let events = [Self.event(1, 5), Self.event(4, 0), Self.event(3, 0), Self.event(5, 1)]
            try Self.play(events.map { [$0] }, connection)
            try Self.expectState(of: events, connection)
            try connection.execute("RESET ROLE; DROP OWNED BY \(role); DROP ROLE \(role)", deadline: .soon)
        }
    }

    @Test func aBatchWaitsForTheOneThatHasItsPositions() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let (first, looker) = (try database.connect(), try database.connect())
            try first.execute("BEGIN", deadline: .soon)
            try Self.apply([Self.event(1, 5)], first)
            let second = try database.connect("second")
            try second.send("SELECT ingest.apply_positions(\(Self.array([Self.event(2, 0)])))", deadline: .soon)
            try waitUntil("the second batch waits") { try looker.isWaitingForALock(second.serverProcessID) }
            try first.execute("COMMIT", deadline: .soon)
            var isDone = false
            while !isDone { if case .end = try second.next(deadline: .soon) { isDone = true } }
            try Self.expectState(of: [Self.event(1, 5), Self.event(2, 0)], looker)
        }
    }

    @Test func batchesWithTheSameKeysInOppositeOrderDoNotDeadlock() async throws {
        let database = try await TestDatabase()
        let rounds = 40
        let work = { @Sendable (worker: Int) in
            try await onThread {
                let connection = try database.connect("millrace/test/\(worker)")
                for round in 1...rounds {
                    let time = Int64(round * 2 + worker)
                    let events = (0..<200).map { Self.event(time, (round + worker) % 3, in: "e\($0)") }
                    try Self.apply(worker == 0 ? events : events.reversed(), connection)
                }
            }
        }
        async let first: Void = work(0)
        async let second: Void = work(1)
        _ = try await (first, second)
        try await onThread {
            let events = (0..<200).flatMap { key in
                (1...rounds).flatMap { round in
                    (0...1).map { Self.event(Int64(round * 2 + $0), (round + $0) % 3, in: "e\(key)") }
                }
            }
            try Self.expectState(of: events, database.connect())
        }
    }
}
