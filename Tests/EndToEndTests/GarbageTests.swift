import Foundation
import IngestTesting
import MarketSimulator
import PostgresWire
import Records
import RedisWire
import Testing

extension EndToEnd {
    /// What cannot be a row becomes one dead letter, byte for byte, and holds nothing else up.
    struct GarbageTests {
        /// A broken entry and the code of what is wrong with it.
        private struct Broken {
            var name: String
            var entry: RawEntry
            var cause: String
        }

        private static func broken() -> [Broken] {
            let corpus = GarbageCorpus.cases(seed: 11, timeMicroseconds: 1_735_689_600_000_000).map {
                Broken(name: $0.name, entry: RawEntry($0.entry), cause: $0.reason.rawValue)
            }
            let trade = RawEntry.trade("broken")
            let flood = (0..<600).map { RawEntry.Field(name: Array("f\($0)".utf8), value: [0x31]) }
            return corpus + [
                Broken(name: "NUL", entry: trade.replacing("side", with: [0x62, 0, 0x79]), cause: "nul_byte"),
                Broken(name: "not UTF-8", entry: trade.replacing("side", with: [0xC0, 0xAF]), cause: "invalid_utf8"),
                Broken(
                    name: "2 MB", entry: trade.replacing("symbol", with: [UInt8](repeating: 0x41, count: 2 << 20)),
                    cause: "too_large"),
                Broken(name: "600 fields", entry: trade.adding(flood), cause: "too_many_fields"),
                Broken(name: "twice", entry: trade.adding([(Array("side".utf8), [0x62])]), cause: "duplicate_field"),
                Broken(name: "empty name alone", entry: RawEntry("md:trades", [([], [])]), cause: "missing_field"),
                Broken(name: "no side", entry: trade.without("side"), cause: "missing_field"),
                Broken(
                    name: "line ends", entry: trade.replacing("price", with: Array("1\r\n$3\r\n".utf8)),
                    cause: "not_a_number"),
            ]
        }

        @Test func everyBrokenEntryIsOneLetterByteForByteAndEveryGoodNeighbourIsStored() async throws {
            let scene = try await Scene()
            let broken = Self.broken()
            // A good one before, between and behind; an empty name beside good fields is no reason to refuse.
            var entries = [RawEntry.trade("good")]
            for (number, item) in broken.enumerated() {
                entries += [item.entry, RawEntry.trade("good-\(number)").adding([([], Array("x".utf8))])]
            }
            let ids = try scene.add(entries)
            try await scene.drain()

            #expect(try scene.count("market_data_trades WHERE trade_id LIKE 'good%'") == broken.count + 1)
            #expect(try scene.count("market_data_trades") == broken.count + 1)
            #expect(try scene.count("market_data_orderbook") == 0)
            #expect(try scene.letterCount() == broken.count)
            for (number, item) in broken.enumerated() {
                let letter = try letter(scene, stream: item.entry.stream, id: ids[2 * number + 1])
                #expect(letter?.cause == item.cause, "\(item.name)")
                #expect(letter?.payload == item.entry.resp, "\(item.name)")
            }
            try await expectAccounted(scene, entries: entries.count)
            try await expectMirrored(scene, broken.count)
            await scene.stop()
        }

        @Test func anEntryThatNoReplyCanHoldIsALetterByReference() async throws {
            let scene = try await Scene()
            let huge = RawEntry.trade("huge").replacing("symbol", with: [UInt8](repeating: 0x42, count: 12 << 20))
            let ids = try scene.add([.trade("before"), huge, .trade("after")])
            try await scene.drain()

            #expect(try scene.count("market_data_trades") == 2)
            let letter = try #require(try letter(scene, stream: huge.stream, id: ids[1]))
            #expect(letter.cause == "too_large")
            #expect(letter.isReference)
            #expect(letter.byteCount == huge.resp.count)
            #expect(letter.payload == nil)
            try await expectAccounted(scene, entries: 3)
            try await expectMirrored(scene, 1)
            await scene.stop()
        }

        /// More names and values than an array of a reply may have, in the middle and at the end of the stream.
        @Test func anEntryOfAMillionFieldsIsALetterByReference() async throws {
            let scene = try await Scene()
            let flood = RawEntry.trade("flood").adding(
                [RawEntry.Field](repeating: (Array("f".utf8), Array("v".utf8)), count: 500_001))
            let ids = try scene.add([.trade("before"), flood, .trade("after"), flood])
            try await scene.drain()

            #expect(try scene.count("market_data_trades") == 2)
            for id in [ids[1], ids[3]] {
                let letter = try #require(try letter(scene, stream: flood.stream, id: id))
                #expect(letter.cause == "too_large" && letter.isReference)
                #expect(letter.byteCount == flood.resp.count)
            }
            try await expectAccounted(scene, entries: 4)
            await scene.stop()
        }

        @Test func aStreamWhoseNameIsNoTextIsCarriedLikeAnyOther() async throws {
            let scene = try await Scene()
            var good = RawEntry(
                "",
                [
                    "timestamp": "1735689600", "exchange": "X", "symbol": "Y", "id": "1", "price": "1", "amount": "2",
                    "side": "buy",
                ])
            good.stream = Array("trades-".utf8) + [0xFF, 0x00, 0x0A, 0x20, 0x27]
            let bad = good.replacing("price", with: Array("x".utf8))
            let ids = try scene.add([good, bad])
            try await scene.drain()
            #expect(try scene.count("market_data_trades") == 1)
            #expect(try letter(scene, stream: good.stream, id: ids[1])?.cause == "not_a_number")
            try await expectMirrored(scene, 1)
            await scene.stop()
        }

        /// The codec does not know these CHECKs and foreign keys: only the database can say what is wrong.
        @Test(arguments: [[500], [0, 1, 999], Array(stride(from: 7, to: 1_000, by: 50))])
        func rowsTheDatabaseRefusesAreLettersAndTheirNeighboursAreStored(bad: [Int]) async throws {
            let scene = try await Scene()
            let ids = try scene.add((0..<1_000).map { RawEntry.book($0, kind: bad.contains($0) ? "x" : "delta") })
            try await scene.drain()

            #expect(try scene.count("market_data_orderbook") == 1_000 - bad.count)
            #expect(
                try scene.number("SELECT count(DISTINCT timestamp_ms) FROM market_data_orderbook") == 1_000 - bad.count)
            try expectRefused(scene, bad.map { ids[$0] }, sqlState: "23514", table: "market_data_orderbook")
            try await expectAccounted(scene, entries: 1_000)
            try await expectMirrored(scene, bad.count)
            await scene.stop()
        }

        @Test func rowsAreFoundEvenWhenTheServerNamesNoLine() async throws {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE TABLE venue (name text PRIMARY KEY); INSERT INTO venue VALUES ('KRAKEN');
                ALTER TABLE market_data_orderbook ADD FOREIGN KEY (exchange) REFERENCES venue
                """)
            let bad = [3, 4, 150]
            let ids = try scene.add(
                (0..<200).map { RawEntry.book($0, exchange: bad.contains($0) ? "NOWHERE" : "KRAKEN") })
            try await scene.drain()

            #expect(try scene.count("market_data_orderbook") == 197)
            try expectRefused(scene, bad.map { ids[$0] }, sqlState: "23503", table: "market_data_orderbook")
            try await expectAccounted(scene, entries: 200)
            await scene.stop()
        }

        /// A deferred constraint speaks up at COMMIT, when every row was taken: no line and no savepoint tells whose
        /// fault it is.
        @Test func rowsThatOnlyCommitRefusesAreFoundByCommits() async throws {
            let scene = try await sceneWithDeferredVenue()
            let bad = [3, 4, 150]
            let ids = try scene.add(
                (0..<200).map { RawEntry.book($0, exchange: bad.contains($0) ? "NOWHERE" : "KRAKEN") })
            try await scene.drain()

            #expect(try scene.count("market_data_orderbook") == 197)
            try expectRefused(scene, bad.map { ids[$0] }, sqlState: "23503", table: "market_data_orderbook")
            try await expectAccounted(scene, entries: 200)
            await scene.stop()
        }

        /// What COMMIT refuses with every single row is not the rows' fault.
        @Test func aTableThatRefusesEverythingAtCommitIsHeld() async throws {
            let scene = try await sceneWithDeferredVenue()
            try scene.add((0..<300).map { RawEntry.book($0, exchange: "NOWHERE") } + [.trade("fine")])
            let result = try await scene.millrace(["run", "--drain", "--timeout", "60s"], limit: .seconds(90))
            #expect(result.status == 1, "\(result.errors)")
            #expect(result.errors.contains("a table takes no rows"), "\(result.errors)")
            #expect(try scene.count("market_data_trades") == 1)
            let letters = try scene.letterCount()
            #expect(letters < 50)
            #expect(try scene.covered() == letters + 1, "the rest waits, pending or unread")
            #expect(try scene.pendingCount() > 20)
            await scene.stop()
        }

        private func sceneWithDeferredVenue() async throws -> Scene {
            let scene = try await Scene()
            try scene.execute(
                """
                CREATE TABLE venue (name text PRIMARY KEY); INSERT INTO venue VALUES ('KRAKEN');
                ALTER TABLE market_data_orderbook ADD FOREIGN KEY (exchange) REFERENCES venue
                  DEFERRABLE INITIALLY DEFERRED
                """)
            return scene
        }

        // MARK: Looking

        private struct Letter {
            var cause: String
            var payload: [UInt8]?
            var isReference: Bool
            var byteCount: Int
        }

        private func letter(_ scene: Scene, stream: [UInt8], id: String) throws -> Letter? {
            let hex = stream.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
            let rows = try scene.rows(
                """
                SELECT l.cause, l.by_reference, l.payload_bytes, ingest.dead_letter_payload(l.source_no, l.id) AS payload
                  FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
                 WHERE s.stream = decode($1, 'hex') AND ingest.stream_id(l.id) = $2
                """, [hex, id])
            guard rows.count == 1, let row = rows.first else { return nil }
            return Letter(
                cause: try row.requiredText("cause"), payload: try row.bytes("payload"),
                isReference: try row.isTrue("by_reference"), byteCount: Int(try row.requiredInteger("payload_bytes")))
        }

        /// Exactly these entries were refused, with this code.
        private func expectRefused(_ scene: Scene, _ ids: [String], sqlState: String, table: String) throws {
            let rows = try scene.rows(
                "SELECT ingest.stream_id(id) AS id, cause, sqlstate, table_name FROM ingest.dead_letter ORDER BY id")
            let found = try rows.map { try $0.requiredText("id") }
            #expect(Set(found) == Set(ids) && found.count == ids.count)
            for row in rows {
                #expect(try row.text("cause") == "refused")
                #expect(try row.text("sqlstate") == sqlState)
                #expect(try row.text("table_name") == table)
            }
        }

        private func expectAccounted(_ scene: Scene, entries: Int) async throws {
            #expect(try scene.covered() == entries)
            #expect(try scene.pendingCount() == 0)
        }

        /// The dead-letter stream gets every letter; nobody waits for that, so a worker is given the time.
        private func expectMirrored(_ scene: Scene, _ count: Int) async throws {
            let worker = try scene.worker("mirror")
            try await eventually("all letters are mirrored") {
                try scene.count("ingest.dead_letter WHERE NOT mirrored") == 0
            }
            worker.send(SIGTERM)
            try await worker.wait()
            let mirrored = try scene.command("XRANGE", "millrace:{millrace}:dead", "-", "+").array ?? []
            let letters = mirrored.map { entry in
                let fields = entry.array?.last?.array ?? []
                let texts = fields.map { $0.bytes ?? [] }
                func value(_ name: String) -> [UInt8]? {
                    stride(from: 0, to: texts.count - 1, by: 2).first { texts[$0] == Array(name.utf8) }
                        .map { texts[$0 + 1] }
                }
                return (source: value("source"), id: value("id"), cause: value("cause"), payload: value("payload"))
            }
            #expect(Set(letters.map { ($0.source ?? []) + [0x20] + ($0.id ?? []) }).count == count)
            for letter in letters {
                let row = try scene.rows(
                    """
                    SELECT cause, CASE WHEN payload_bytes <= 65536 THEN ingest.dead_letter_payload(source_no, id) END AS payload
                      FROM ingest.dead_letter WHERE source_no = $1::int AND ingest.stream_id(id) = $2
                    """, [text(letter.source), text(letter.id)])
                try #require(row.count == 1)
                #expect(try row[0].text("cause") == text(letter.cause))
                #expect(try row[0].bytes("payload") == letter.payload)
            }
        }

        private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
    }
}
