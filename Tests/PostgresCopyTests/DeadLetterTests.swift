import PostgresCopy
import PostgresWire
import Records
import Testing

@Suite struct DeadLetterTests {
    private func letter(
        _ id: UInt64, _ content: DeadLetter.Content, stream: StreamKey = StreamKey("md:trades"),
        rejection: Rejection = Rejection(.notANumber, field: "price", column: "price", table: "t")
    ) -> DeadLetter {
        DeadLetter(
            source: SourceNumber(rawValue: 1), id: StreamID(milliseconds: id, sequence: 0), stream: stream,
            content: content, rejection: rejection, mapping: "trades")
    }

    private func payload(_ connection: PostgresConnection, _ id: UInt64) throws -> [UInt8]? {
        let uuid = StreamID(milliseconds: id, sequence: 0).uuidHex
        return try connection.query(
            "SELECT ingest.dead_letter_payload(1, $1) AS p", [uuid], deadline: .soon)[0].bytes("p")
    }

    @Test func keepsEveryByte() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            let every = (0...255).map { UInt8($0) }
            let garbage: [UInt8] = [0xFF, 0xFE, 0x00, 0x27, 0x5C, 0xC3, 0x28, 0x0D, 0x0A]
            var large = every
            while large.count < DeadLetter.partBytes { large += large }
            large += garbage
            let exact = [UInt8](repeating: 7, count: DeadLetter.partBytes)
            let contents: [DeadLetter.Content] = [
                .fields(every), .fields(garbage), .fields([]), .fields(large), .fields(exact),
                .reference(byteCount: 700 << 20),
            ]
            let letters = contents.enumerated().map { letter(UInt64($0 + 1), $1) }
            let report = session.commit(
                CommitUnit(ranges: [range(1, 6)], letters: letters), deadline: .soon)
            #expect(report.isDurable)
            #expect(try payload(connection, 1) == every)
            #expect(try payload(connection, 2) == garbage)
            #expect(try payload(connection, 3) == [])
            #expect(try payload(connection, 4) == large)
            #expect(try payload(connection, 5) == exact)
            #expect(try payload(connection, 6) == nil)
            #expect(try connection.rowCount("ingest.dead_letter_part") == 2)
            let reference = try connection.query(
                "SELECT payload_bytes, by_reference FROM ingest.dead_letter WHERE by_reference", deadline: .soon)
            #expect(try reference.map { try $0.integer("payload_bytes") } == [700 << 20])
        }
    }

    @Test func textsFromOutsideCannotBecomeSQL() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let hostile = "x'); DROP TABLE ingest.ledger; -- \\ \u{202E}\n"
            var letter = letter(
                1, .fields([1]), stream: StreamKey(bytes: [0xFF, 0x27, 0x00]),
                rejection: Rejection(.duplicateField, field: hostile, table: hostile, sqlState: nil))
            letter.detail = "NUL \0 and " + hostile
            letter.constraint = hostile
            letter.mapping = hostile
            let report = session.commit(CommitUnit(ranges: [range(1, 1)], letters: [letter]), deadline: .soon)
            #expect(report.isDurable)
            let row = try session.connection.query("SELECT * FROM ingest.dead_letter", deadline: .soon)[0]
            #expect(try row.text("field") == hostile)
            #expect(try row.text("table_name") == hostile)
            #expect(try row.text("constraint_name") == hostile)
            #expect(try row.text("mapping") == hostile)
            #expect(try row.text("detail") == "NUL \u{FFFD} and " + hostile)
            #expect(try row.text("stream") == "\\xFF'\\x00")
            #expect(try row.text("cause") == "duplicate_field")
            #expect(try row.text("next_retry") == nil)
        }
    }

    @Test func goesWithTheRowsOrNotAtAll() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            try connection.makeItems()
            let target = try connection.target()
            func unit(_ id: UInt64) -> CommitUnit {
                CommitUnit(
                    rows: [rows(target, [Item(1)])], ranges: [range(id, id + 1)], letters: [letter(id, .fields([1]))])
            }
            #expect(session.commit(unit(1), deadline: .soon).isDurable)
            #expect(session.commit(unit(2), deadline: .soon).isConflict)
            #expect(try connection.rowCount("ingest.dead_letter") == 1)
            #expect(try connection.rowCount("items") == 1)
        }
    }

    @Test func refusesMoreThanOneTransactionShouldHold() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let many = (1...1_001).map { letter($0, .fields([1])) }
            let tooMany = session.commit(CommitUnit(ranges: [range(1, 1_001)], letters: many), deadline: .soon)
            #expect(tooMany.failure?.kind == .configuration)
            #expect(!tooMany.isConnectionLost)
            let enough = session.commit(
                CommitUnit(ranges: [range(1, 1_000)], letters: Array(many.prefix(1_000))), deadline: .soon)
            #expect(enough.isDurable)
            let heavy = (2_001...2_009).map { letter($0, .fields([UInt8](repeating: 1, count: 1 << 20))) }
            let tooHeavy = session.commit(CommitUnit(ranges: [range(2_001, 2_009)], letters: heavy), deadline: .soon)
            #expect(tooHeavy.failure?.kind == .configuration)
        }
    }

    @Test func schedulesARetryByTheServersClock() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            var letter = letter(1, .fields([1]))
            letter.retryAfter = .milliseconds(60_500)
            #expect(session.commit(CommitUnit(ranges: [range(1, 1)], letters: [letter]), deadline: .soon).isDurable)
            let delay = try session.connection.number(
                "SELECT extract(epoch FROM next_retry - created_at) * 1000 FROM ingest.dead_letter")
            #expect(delay == 60_500)
        }
    }

    @Test func lettersWithTheSameRemedyShareAFingerprint() {
        let first = letter(1, .fields([1]))
        var second = letter(2, .fields([2]), stream: StreamKey("other"))
        #expect(first.fingerprint == second.fingerprint)
        second.constraint = "c"
        #expect(first.fingerprint != second.fingerprint)
        let moved = letter(1, .fields([1]), rejection: Rejection(.notANumber, column: "amount", table: "t"))
        #expect(first.fingerprint != moved.fingerprint)
    }

    @Test func theMirrorGetsEachLetterUntilItIsMarked() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let session = try database.session()
            let connection = session.connection
            let ledger = LedgerStore(connection)
            let key = SourceKey(
                redisID: "r", redisDatabase: 0, stream: StreamKey(bytes: [0, 0xFF]), group: "g")
            _ = try ledger.lock(key, deadline: .soon)
            let marker = HexUUID(high: 1, low: 2)
            let source = try ledger.apply([.open(marker, adoptedUpTo: nil)], to: key, deadline: .soon)
            #expect(source == SourceNumber(rawValue: 1))
            let small = letter(1, .fields([1, 0, 255]), stream: key.stream)
            let large = letter(2, .fields([UInt8](repeating: 1, count: 100_000)), stream: key.stream)
            let unit = CommitUnit(ranges: [range(1, 2)], letters: [small, large])
            #expect(session.commit(unit, deadline: .soon).isDurable)
            let store = DeadLetterStore(connection)
            func unmirrored() throws -> [StoredLetter] {
                try store.unmirrored(redisID: "r", redisDatabase: 0, group: "g", deadline: .soon)
            }
            let letters = try unmirrored()
            #expect(letters.map(\.id.milliseconds) == [1, 2])
            #expect(letters.map(\.fields) == [[1, 0, 255], nil])
            #expect(letters.map(\.byteCount) == [3, 100_000])
            #expect(letters[0].stream == key.stream)
            #expect(letters[0].table == "t")
            #expect(try store.unmirrored(redisID: "r", redisDatabase: 0, group: "h", deadline: .soon).isEmpty)
            try store.markMirrored([(letters[0].source, letters[0].id)], deadline: .soon)
            #expect(try unmirrored().map(\.id.milliseconds) == [2])
            let status = try connection.query("SELECT * FROM ingest.status", deadline: .soon)[0]
            #expect(try status.integer("open_letters") == 2)
            #expect(try status.integer("unmirrored_letters") == 1)
            #expect(try status.text("highest_id") == "2-0")
            let groups = try connection.query("SELECT * FROM ingest.dead_letter_groups", deadline: .soon)
            #expect(try groups.map { try $0.integer("letters") } == [2])
        }
    }
}
