import Records
import RedisWire
import Testing

@testable import RedisStreams

struct GroupTests {
    @Test func aGroupIsCreatedOnceAtTheBeginning() async throws {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "g:new")
        #expect(try connection.streamFacts(of: "g:new") == nil)
        #expect(try connection.groups(of: "g:new") == [])
        #expect(try connection.createGroup("g", of: "g:new"))
        #expect(try !connection.createGroup("g", of: "g:new"))
        #expect(try connection.groups(of: "g:new").first?.lastDeliveredID == .min)
        #expect(try connection.streamFacts(of: "g:new")?.length == 0)
    }

    @Test func streamsGroupsAndConsumersAreDescribed() async throws {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "g:facts")
        try connection.createGroup("g", of: "g:facts")
        try connection.fill("g:facts", count: 10)
        try connection.deliver("g:facts", group: "g", to: "c", count: 4)
        try connection.command("XDEL", "g:facts", "10-0")
        let stream = try #require(try connection.streamFacts(of: "g:facts"))
        #expect(stream.length == 9 && stream.groups == 1 && stream.lastGeneratedID == id(10))
        #expect(stream.firstEntryID == id(1) && stream.recordedFirstID == id(1) && stream.lastEntryID == id(9))
        #expect(stream.entriesAdded == 10 && stream.maxDeletedID == id(10))
        let group = try #require(try connection.groups(of: "g:facts").first)
        #expect(group.name == "g" && group.consumers == 1 && group.pending == 4 && group.lastDeliveredID == id(4))
        let consumer = try #require(try connection.consumers(of: "g:facts", group: "g").first)
        #expect(consumer.name == "c" && consumer.pending == 4 && consumer.idle != nil)
    }

    @Test func olderServersTellLess() throws {
        let stream = try StreamFacts(
            .array([
                .bulk(Array("length".utf8)), .integer(2), .bulk(Array("last-generated-id".utf8)),
                .bulk(Array("5-1".utf8)), .bulk(Array("something-new".utf8)), .array([.null]),
                .bulk(Array("first-entry".utf8)), .array([.bulk(Array("4-0".utf8)), .array([])]),
            ]))
        #expect(stream.length == 2 && stream.entriesAdded == nil && stream.recordedFirstID == id(4))
        let group = try GroupFacts(
            .array([
                .bulk(Array("name".utf8)), .bulk(Array("g".utf8)), .bulk(Array("last-delivered-id".utf8)),
                .bulk(Array("0-0".utf8)), .bulk(Array("entries-read".utf8)), .null, .bulk(Array("lag".utf8)), .null,
            ]))
        #expect(group.entriesRead == nil && group.lag == nil && group.pending == 0)
        #expect(throws: RedisError.self) { try StreamFacts(.array([.integer(1)])) }
        #expect(throws: RedisError.self) { try GroupFacts(.array([])) }
    }

    @Test func theMarkerLivesAndDiesWithTheGroup() async throws {
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "g:mark")
        try connection.createGroup("g", of: "g:mark")
        try connection.createConsumer("other", in: "g", of: "g:mark")
        let marker = IncarnationMarker.random()
        try connection.mark(marker, in: "g", of: "g:mark")
        try connection.mark(marker, in: "g", of: "g:mark")
        #expect(try connection.markers(in: "g", of: "g:mark") == [marker])
        try connection.command("XGROUP", "DESTROY", "g:mark", "g")
        try connection.createGroup("g", of: "g:mark")
        #expect(try connection.markers(in: "g", of: "g:mark") == [])
    }

    @Test func aMarkerIsAUUIDOfVersionFour() throws {
        for _ in 0..<100 {
            let marker = IncarnationMarker.random()
            let parts = marker.uuid.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "4" && "89ab".contains(parts[3].first ?? "x"))
            #expect(IncarnationMarker(consumerName: marker.consumerName) == marker)
        }
        #expect(IncarnationMarker(consumerName: "epoch:nonsense") == nil)
        #expect(IncarnationMarker(consumerName: "host.0.1") == nil)
        #expect(
            IncarnationMarker(uuid: "0123456789ABCDEF0123456789abcdef")?.uuid == "01234567-89ab-cdef-0123-456789abcdef")
    }

    @Test func theServerDescribesItself() async throws {
        let connection = try await SharedRedis.connect()
        let facts = try connection.serverFacts()
        #expect(facts.version.map { $0 >= ServerVersion(6, 2) } == true)
        #expect(facts.claimMethod == .automatic)
        #expect(facts.runID?.count == 40 && facts.masterReplicationID?.count == 40 && facts.role == "master")
        #expect(facts.maxMemoryPolicy == "noeviction" && facts.usesAppendOnlyFile == false)
        #expect(ServerFacts(info: ["redis_version:6.0.16\r\n"]).claimMethod == .byPending)
        #expect(ServerFacts(info: []).claimMethod == .automatic)
        #expect(ServerVersion(text: "7.4.0-rc1") == ServerVersion(7, 4, 0))
    }
}
