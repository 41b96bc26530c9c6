import IngestTesting
import LocalServices
import Records
import RedisStreams
import RedisWire
import Testing

struct CoordinationTests {
    @Test func controlKeysShareOneSlot() {
        let keys = ControlKeys(group: "g")
        #expect(keys.workers == "millrace:{g}:workers")
        #expect(keys.epoch == "millrace:{g}:epoch")
        #expect(keys.acknowledged == "millrace:{g}:acked")
        #expect(keys.deadLetters == "millrace:{g}:dead")
        #expect(keys.paused == "millrace:{g}:paused")
        #expect(keys.slot(worker: "host", number: 2) == "millrace:{g}:slot:host.2")
        #expect(ConsumerNames.lane(worker: "host", slot: 2, lane: 1) == "host.2.1")
    }

    @Test func heartbeatsAreTheServersTime() async throws {
        let connection = try await SharedRedis.connect()
        let before = try connection.serverMilliseconds()
        let written = try connection.heartbeat(["h.0.0", "h.0.1"], group: "beats")
        #expect(written >= before)
        try connection.heartbeat(["h.0.1"], group: "beats")
        let beats = try connection.heartbeats(group: "beats")
        #expect(beats["h.0.0"] == written)
        #expect(beats["h.0.1", default: 0] >= written)
        try connection.removeHeartbeats(of: ["h.0.0", "h.0.1"], group: "beats")
        #expect(try connection.heartbeats(group: "beats").isEmpty)
    }

    /// Whatever somebody writes into them by hand, figures can be subtracted and added up.
    @Test(arguments: ["-9223372036854775808", "9223372036854775807", "-1", "99999999999999999999", "x", ""])
    func figuresWrittenByHandAreCutToWhatCanBeReckonedWith(_ value: String) async throws {
        let connection = try await SharedRedis.connect()
        // Cases run side by side.
        let group = "hostile \(value)"
        let keys = ControlKeys(group: group)
        try connection.command("HSET", .key(keys.workers), "x", .text(value))
        try connection.command("HSET", .key(keys.audited), "1", .text("5-0 \(value)"), "2", .text(value))
        try connection.command("HSET", .key(keys.trimmedUnread), "1", .text(value))
        try connection.command("HSET", .key(keys.paused), "s", .text("\(value) ada"))
        try connection.command("HSET", .key(keys.acknowledged), "1", .text(value))
        let figures = [
            try connection.heartbeats(group: group)["x"],
            try connection.auditNotes(group: group)[SourceNumber(rawValue: 1)]?.missing,
            try connection.trimmedUnread(group: group)[SourceNumber(rawValue: 1)],
            try connection.pausedStreams(group: group)["s"]?.at,
        ]
        #expect(figures.allSatisfy { (0...1 << 48).contains($0 ?? 0) }, "\(figures)")
        #expect(try connection.auditNotes(group: group)[SourceNumber(rawValue: 2)] == nil)
        #expect(try connection.pausedStreams(group: group)["s"] != nil, "paused all the same")
        #expect(try connection.acknowledgedIDs(group: group).isEmpty || value == "9223372036854775807")
    }

    /// XSETID and XGROUP SETID take any number.
    @Test func countersSetByHandAreCutToo() async throws {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "c:set")
        try connection.createGroup("g", of: "c:set")
        try connection.fill("c:set", count: 3)
        let most = "9223372036854775807"
        try connection.command("XSETID", "c:set", "9-0", "ENTRIESADDED", .text(most), "MAXDELETEDID", "4-0")
        try connection.command("XGROUP", "SETID", "c:set", "g", "3-0", "ENTRIESREAD", .text(most))
        #expect(try connection.streamFacts(of: "c:set")?.entriesAdded == 1 << 48)
        #expect(try connection.groups(of: "c:set").first?.entriesRead == 1 << 48)
    }

    @Test func acknowledgedIDsAreKeptPerSource() async throws {
        let connection = try await SharedRedis.connect()
        var commands = CommandBuffer()
        let ids = [SourceNumber(rawValue: 1): id(7, 3), SourceNumber(rawValue: 2): StreamID.max]
        RedisConnection.noteAcknowledged(ids, group: "acks", to: &commands)
        RedisConnection.noteAcknowledged([:], group: "acks", to: &commands)
        #expect(commands.commandCount == 1)
        _ = try connection.pipeline(commands)
        #expect(try connection.acknowledgedIDs(group: "acks") == ids)
    }

    @Test func epochIsRead() async throws {
        let connection = try await SharedRedis.connect()
        #expect(try connection.epoch(group: "ep") == nil)
        try connection.setEpoch([9, 0], group: "ep")
        #expect(try connection.epoch(group: "ep") == [9, 0])
    }

    @Test func pausedStreamsCarryWhoAndWhen() async throws {
        let connection = try await SharedRedis.connect()
        #expect(try connection.pausedStreams(group: "pp").isEmpty)
        #expect(try connection.pause(["a", "b"], group: "pp", by: "ada on host") == 2)
        #expect(try connection.pause(["b", "c"], group: "pp", by: "bob") == 1)
        let paused = try connection.pausedStreams(group: "pp")
        #expect(paused.keys.sorted() == ["a", "b", "c"])
        #expect(paused["b"]?.by == "ada on host", "the first note stays")
        #expect(paused["b"].map { $0.at > 1_700_000_000_000 } == true)
        #expect(try connection.resume(["b", "x"], group: "pp") == 1)
        try connection.command("HSET", .key(ControlKeys(group: "pp").paused), "d", "by hand")
        let rest = try connection.pausedStreams(group: "pp")
        #expect(rest.keys.sorted() == ["a", "c", "d"])
        #expect(rest["d"] == PauseNote(by: "by hand", at: 0))
    }

    @Test func twoWorkersOfOneNameGetTwoSlots() async throws {
        let connection = try await SharedRedis.connect()
        let first = try #require(
            try SlotLease.acquire(group: "slots", worker: "w", token: "one", on: connection))
        let key = ControlKeys(group: "slots").slot(worker: "w", number: 0)
        // Held for as long as this test needs it, however slow the machine.
        try connection.command("PERSIST", .key(key))
        let second = try #require(
            try SlotLease.acquire(group: "slots", worker: "w", token: "two", on: connection))
        #expect(first.number == 0 && second.number == 1)
        #expect(try first.renew(on: connection))
        try first.release(on: connection)
        let end = ContinuousClock.now + .seconds(60)
        while try connection.type(of: key) != "none" { try #require(.now < end, "the slot is free") }
        let third = try SlotLease.acquire(group: "slots", worker: "w", token: "three", on: connection)
        #expect(third?.number == 0)
        // The first has lost its slot: it may neither renew nor give away what is another's now.
        #expect(try !first.renew(on: connection))
        try first.release(on: connection)
        #expect(try connection.command("GET", .key(key)).text == "three")
        #expect(try connection.command("PTTL", .key(key)).integer ?? 0 > 1_000)
    }

    @Test func aLeaseThatRanOutIsTakenAgain() async throws {
        let connection = try await SharedRedis.connect()
        let lease = try #require(
            try SlotLease.acquire(group: "lapse", worker: "w", token: "one", on: connection))
        let key = ControlKeys(group: "lapse").slot(worker: "w", number: 0)
        try connection.command("DEL", .key(key))
        #expect(try lease.renew(on: connection))
        #expect(try connection.command("GET", .key(key)).text == "one")
    }
}

struct PublishingTests {
    @Test func eachEntryHasItsOwnResult() async throws {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "pub:s")
        var publisher = StreamPublisher()
        publisher.append(to: "pub:s", id: id(5), fields: [("a", "1"), ("a", "2")])
        publisher.append(to: "pub:s", id: id(4), fields: [("a", "too low")])
        publisher.append(to: "pub:s", fields: [([0xFF], [0x00, 0x0D, 0x0A])])
        #expect(publisher.count == 3)
        let results = try publisher.flush(on: connection)
        #expect(try results[0].get() == id(5))
        #expect(throws: ServerError.self) { try results[1].get() }
        #expect(try results[2].get() > id(5))
        #expect(publisher.count == 0)
        #expect(try publisher.flush(on: connection).isEmpty)
        var block = EntryBlock()
        #expect(try connection.range(of: "pub:s", IDRange(.min, .max), count: 9, into: &block) == 2)
        #expect(block.entry(0).pairCount == 2)
        #expect(block.entry(1).value(0).withUnsafeBufferPointer { Array($0) } == [0x00, 0x0D, 0x0A])
    }

    @Test func deadLettersAreMirroredWithTheirOrigin() async throws {
        let connection = try await SharedRedis.connect()
        let mirror = DeadLetterMirror(group: "mirror", maximumLength: 1_000)
        let large = [UInt8](repeating: 1, count: DeadLetterMirror.payloadLimitBytes + 1)
        let results = try mirror.add(
            [
                MirroredLetter(
                    source: SourceNumber(rawValue: 3), stream: "md:trades", id: id(7), cause: "not_a_number",
                    table: "trades", payload: Array("*2\r\n$1\r\na\r\n$1\r\nb\r\n".utf8)),
                MirroredLetter(
                    source: SourceNumber(rawValue: 3), stream: "md:trades", id: id(8), cause: "refused",
                    sqlState: "23505", payload: large),
            ], on: connection)
        #expect(results.count == 2)
        let reply = try connection.command("XRANGE", .key(ControlKeys(group: "mirror").deadLetters), "-", "+")
        let letters = (reply.array ?? []).map { $0.array?[1].array?.map { $0.text ?? "" } ?? [] }
        #expect(
            letters[0] == [
                "source", "3", "stream", "md:trades", "id", "7-0", "cause", "not_a_number", "table", "trades",
                "payload_bytes", "18", "payload", "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
            ])
        #expect(
            letters[1] == [
                "source", "3", "stream", "md:trades", "id", "8-0", "cause", "refused", "sqlstate", "23505",
                "payload_bytes", "65537",
            ])
    }

    @Test func aFullServerRefusesEachEntryAndStaysConnected() async throws {
        let server = try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false, maxMemoryBytes: 1))
        let connection = try RedisConnection.connect(
            to: RedisEndpoint(address: .unix(path: server.socketPath)), name: "t")
        var publisher = StreamPublisher()
        for _ in 0..<2 { publisher.append(to: "s", fields: [("a", "b")]) }
        for result in try publisher.flush(on: connection) {
            #expect {
                try result.get()
            } throws: {
                ($0 as? ServerError)?.code == "OOM"
            }
        }
        #expect {
            try connection.createGroup("g", of: "s")
        } throws: {
            ($0 as? RedisError)?.serverError?.code == "OOM"
        }
        #expect(try connection.command("PING").text == "PONG")
        await server.stop()
    }
}
