import Records
import RedisWire
import Testing

@testable import RedisStreams

struct PendingTests {
    /// A stream whose entries all wait at consumer `dead`.
    private func delivered(_ stream: StreamKey, count: Int) async throws -> RedisConnection {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", .key(stream))
        try connection.createGroup("g", of: stream)
        try connection.fill(stream, count: count)
        try connection.deliver(stream, group: "g", to: "dead")
        return connection
    }

    private func sweep(
        _ connection: RedisConnection, _ stream: StreamKey, idle: Duration, count: Int, _ method: ClaimMethod
    ) throws -> [ClaimPage] {
        var pages: [ClaimPage] = []
        var cursor = StreamID.min
        repeat {
            let page = try connection.claimPage(
                of: stream, group: "g", to: "me", idle: idle, from: cursor, count: count, method: method)
            pages.append(page)
            cursor = page.cursor
        } while cursor != .min
        return pages
    }

    /// The server looks at ten entries for each asked for: the first page holds nothing but a cursor.
    @Test(arguments: [ClaimMethod.automatic, .byPending])
    func aSweepReachesTheOldEntryBehindFreshOnes(_ method: ClaimMethod) async throws {
        let stream: StreamKey = method == .automatic ? "p:fresh" : "p:fresh6"
        let connection = try await delivered(stream, count: 300)
        try connection.claim([id(300)], of: stream, group: "g", to: "dead", settingIdle: .seconds(60))
        let pages = try sweep(connection, stream, idle: .seconds(30), count: 10, method)
        #expect(pages.first?.claimed == [])
        #expect(pages.first?.cursor != .min)
        #expect(pages.flatMap(\.claimed) == [id(300)])
        #expect(try connection.pending(of: stream, group: "g", count: 10, consumer: "me").map(\.id) == [id(300)])
    }

    @Test func claimingDoesNotRaiseTheDeliveryCount() async throws {
        let connection = try await delivered("p:count", count: 3)
        for _ in 0..<4 { _ = try sweep(connection, "p:count", idle: .zero, count: 10, .automatic) }
        let entries = try connection.pending(of: "p:count", group: "g", count: 10)
        #expect(entries.map(\.deliveries) == [1, 1, 1])
        #expect(entries.map(\.consumer) == ["me", "me", "me"])
    }

    @Test func deletedEntriesAreToldAndLeaveTheList() async throws {
        let connection = try await delivered("p:deleted", count: 4)
        try connection.command("XDEL", "p:deleted", "2-0")
        let pages = try sweep(connection, "p:deleted", idle: .zero, count: 10, .automatic)
        #expect(pages.flatMap(\.claimed) == [id(1), id(3), id(4)])
        #expect(pages.flatMap(\.deleted) == [id(2)])
        #expect(try connection.pendingSummary(of: "p:deleted", group: "g").count == 3)
    }

    @Test func aHeartbeatRefreshesAndDoesNotSnatchBack() async throws {
        let connection = try await delivered("p:beat", count: 3)
        let own = [id(1), id(2), id(3)]
        try connection.claim(own, of: "p:beat", group: "g", to: "dead", settingIdle: .seconds(40))
        // Another worker has just taken the third.
        try connection.claim([id(3)], of: "p:beat", group: "g", to: "thief")
        let kept = try connection.claim(own, of: "p:beat", group: "g", to: "dead", minimumIdle: .seconds(30))
        #expect(kept == [id(1), id(2)])
        let entries = try connection.pending(of: "p:beat", group: "g", count: 10)
        #expect(entries.map(\.consumer) == ["dead", "dead", "thief"])
        #expect(entries.allSatisfy { $0.idle < .seconds(30) })
    }

    @Test func releasedEntriesCanBeClaimedAtOnce() async throws {
        let connection = try await delivered("p:release", count: 1_500)
        let ids = (1...1_500).map { id(UInt64($0)) }
        try connection.release(ids, of: "p:release", group: "g")
        #expect(try connection.pendingSummary(of: "p:release", group: "g").perConsumer == ["released": 1_500])
        let pages = try sweep(connection, "p:release", idle: .seconds(30), count: 400, .automatic)
        #expect(pages.flatMap(\.claimed) == ids)
    }

    @Test func theSummaryCountsByConsumer() async throws {
        let connection = try await delivered("p:sum", count: 5)
        try connection.claim([id(2)], of: "p:sum", group: "g", to: "me")
        let full = try connection.pendingSummary(of: "p:sum", group: "g")
        #expect(full.count == 5 && full.lowest == id(1) && full.highest == id(5))
        #expect(full.perConsumer == ["dead": 4, "me": 1])
        #expect(try connection.acknowledge((1...5).map { id($0) } + [id(9)], of: "p:sum", group: "g") == 5)
        let empty = try connection.pendingSummary(of: "p:sum", group: "g")
        #expect(empty.count == 0 && empty.lowest == nil && empty.highest == nil && empty.perConsumer.isEmpty)
    }

    @Test func manyStreamsAreSummedUpAtOnce() async throws {
        let connection = try await delivered("p:many", count: 3)
        try connection.command("DEL", "p:none")
        let summaries = try connection.pendingSummaries(of: ["p:many", "p:none"], group: "g")
        #expect(summaries["p:many"]?.count == 3)
        #expect(summaries["p:none"] == nil)
        let identities = try connection.identities(of: ["p:many", "p:none"], group: "g")
        #expect(identities["p:many"]?.group?.pending == 3)
        #expect(identities["p:many"]?.lowestPending == id(1))
        #expect(identities["p:none"]?.stream == nil)
    }

    @Test func ownPendingEntriesArePagedAndReadBack() async throws {
        let connection = try await delivered("p:page", count: 25)
        try connection.command("XDEL", "p:page", "7-0")
        var block = EntryBlock()
        var seen: [StreamID] = []
        var bodies: [StreamID] = []
        var from: StreamID? = .min
        while let lower = from {
            let page = try connection.pending(
                of: "p:page", group: "g", in: IDRange(lower, .max), count: 10, consumer: "dead")
            guard let first = page.first?.id, let last = page.last?.id else { break }
            seen += page.map(\.id)
            _ = try connection.range(of: "p:page", IDRange(first, last), count: page.count, into: &block)
            bodies += block.ids()
            from = last.successor
        }
        #expect(seen == (1...25).map { id($0) })
        #expect(bodies == seen.filter { $0 != id(7) })
        #expect(block.streams.map(\.key) == ["p:page"])
    }

    @Test func aRangeOfNothingIsEmpty() async throws {
        let connection = try await SharedRedis.connect()
        var block = EntryBlock()
        #expect(try connection.range(of: "p:none", IDRange(.min, .max), count: 5, into: &block) == 0)
        try connection.command("SET", "p:string", "x")
        #expect {
            try connection.range(of: "p:string", IDRange(.min, .max), count: 5, into: &block)
        } throws: {
            ($0 as? RedisError)?.serverError?.code == "WRONGTYPE"
        }
    }

    @Test func aMissingGroupIsTheServersAnswer() async throws {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "p:nogroup")
        for attempt in [
            { _ = try connection.pendingSummary(of: "p:nogroup", group: "g") },
            { _ = try connection.claimPage(of: "p:nogroup", group: "g", to: "me", idle: .zero, from: .min, count: 1) },
            { _ = try connection.claim([id(1)], of: "p:nogroup", group: "g", to: "me") },
            { _ = try connection.markers(in: "g", of: "p:nogroup") },
        ] {
            #expect {
                try attempt()
            } throws: {
                ($0 as? RedisError)?.serverError?.isMissingGroup == true
            }
        }
    }

    @Test func rangesAreEmptyWithoutEntriesAndWithoutPendingIDs() async throws {
        let stream: StreamKey = "p:ranges"
        let connection = try await delivered(stream, count: 900)
        try connection.command("XDEL", .key(stream), .id(id(1)), .id(id(3)))
        try connection.command("XACK", .key(stream), "g", .id(id(1)), .id(id(2)))
        // 1 is deleted and acknowledged, 2 an entry, 3 deleted and pending; behind the last there is nothing.
        let ranges = (1...1_000).map { IDRange(id($0)) }
        let empty = try connection.emptyRanges(ranges, of: stream, group: "g")
        #expect(empty == [ranges[0]] + ranges[900...])
        #expect(throws: RedisError.self) { try connection.emptyRanges([IDRange(id(950))], of: stream, group: "none") }
        #expect(connection.isOpen)
    }
}
