import Foundation
import Records
import RedisWire
import Testing

@testable import RedisStreams

struct StreamReaderTests {
    private let group = "g"

    private func prepared(_ streams: StreamKey...) async throws -> RedisConnection {
        let connection = try await SharedRedis.connect()
        for stream in streams {
            try connection.command("DEL", .key(stream))
            try connection.createGroup(group, of: stream)
        }
        return connection
    }

    @Test func entriesOfSeveralStreamsComeInOneRead() async throws {
        let connection = try await prepared("r:a", "r:b", "r:c")
        try connection.fill("r:a", count: 3)
        try connection.fill("r:c", count: 5)
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let result = try reader.read(["r:a", "r:b", "r:c"], count: 4, wait: nil, on: connection, into: &block)
        #expect(result.outcome == .entries(7))
        #expect(block.streams.map(\.key) == ["r:a", "r:c"])
        #expect(block.streams.map(\.entries) == [0..<3, 3..<7])
        #expect(block.ids() == [id(1), id(2), id(3), id(1), id(2), id(3), id(4)])
    }

    @Test func acknowledgementsAndEpochTravelWithTheRead() async throws {
        let group = "g-epoch"
        let connection = try await SharedRedis.connect()
        try connection.command("DEL", "r:ack", .key(ControlKeys(group: group).epoch))
        try connection.createGroup(group, of: "r:ack")
        try connection.fill("r:ack", count: 2_500)
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let first = try reader.read(["r:ack"], count: 2_400, wait: nil, on: connection, into: &block)
        #expect(first == .init(acknowledgements: .done(0), outcome: .entries(2_400), epoch: nil))
        var acknowledgements = CommandBuffer()
        acknowledgements.appendAcknowledge(stream: "r:ack", group: group, ids: block.ids())
        let second = try reader.read(
            ["r:ack"], count: 2_400, wait: nil, acknowledgements: acknowledgements, on: connection, into: &block)
        #expect(second.acknowledgements == .done(2_400))
        #expect(second.outcome == .entries(100))
        #expect(try connection.pendingSummary(of: "r:ack", group: group).count == 100)
    }

    /// After a group was made anew the same id may be another entry: such acknowledgements must not be done.
    @Test func acknowledgementsOfAFormerEpochAreRefused() async throws {
        let group = "g-former"
        let connection = try await SharedRedis.connect()
        let other = try await SharedRedis.connect()
        try connection.command("DEL", "r:former", .key(ControlKeys(group: group).epoch))
        try connection.createGroup(group, of: "r:former")
        try connection.fill("r:former", count: 3)
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        _ = try reader.read(["r:former"], count: 3, wait: nil, on: connection, into: &block)
        var acknowledgements = CommandBuffer()
        acknowledgements.appendAcknowledge(stream: "r:former", group: group, ids: block.ids())
        try other.setEpoch([1, 2, 3], group: group)
        let second = try reader.read(
            ["r:former"], count: 3, wait: nil, acknowledgements: acknowledgements, on: connection, into: &block)
        #expect(second.acknowledgements == .epochChanged)
        #expect(second.epoch == [1, 2, 3])
        #expect(try connection.pendingSummary(of: "r:former", group: group).count == 3)
        try other.setEpoch([4, 5, 6], group: group)
        let third = try reader.acknowledge(acknowledgements, on: connection)
        #expect(third.acknowledgements == .epochChanged)
        #expect(third.epoch == [4, 5, 6])
        #expect(try connection.pendingSummary(of: "r:former", group: group).count == 3)
        let fourth = try reader.acknowledge(acknowledgements, on: connection)
        #expect(fourth.acknowledgements == .done(3))
        #expect(fourth.epoch == [4, 5, 6])
    }

    @Test func aReadThatWaitsInVainBringsNothing() async throws {
        let connection = try await prepared("r:wait")
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let start = ContinuousClock.now
        let result = try reader.read(["r:wait"], count: 10, wait: .milliseconds(60), on: connection, into: &block)
        #expect(result.outcome == .nothing && block.isEmpty)
        #expect(ContinuousClock.now - start >= .milliseconds(60))
        #expect(try reader.read(["r:wait"], count: 10, wait: nil, on: connection, into: &block).outcome == .nothing)
    }

    @Test func theStreamWithoutItsGroupIsNamed() async throws {
        let connection = try await prepared("r:ok1", "r:ok2")
        try connection.command("DEL", "r:lost")
        try connection.fill("r:ok1", count: 1)
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let streams: [StreamKey] = ["r:ok1", "r:lost", "r:ok2"]
        let result = try reader.read(streams, count: 1, wait: .seconds(5), on: connection, into: &block)
        #expect(result.outcome == .missingGroup(candidates: ["r:lost"]))
        try connection.createGroup(group, of: "r:lost")
        #expect(try reader.read(streams, count: 1, wait: nil, on: connection, into: &block).outcome == .entries(1))
    }

    @Test(arguments: [
        Array("r:it's 'quoted'".utf8), [0x72, 0x3A, 0xFF, 0xFE], [0x72, 0x00, 0x31], Array("r:line\r\nend".utf8), [],
    ])
    func keysMayBeAnyBytes(_ bytes: [UInt8]) async throws {
        let key = StreamKey(bytes: bytes)
        // Cases run side by side: each has its own second stream.
        let plain = StreamKey("r:plain\(bytes.count)")
        let connection = try await prepared(plain, key)
        try connection.fill(key, count: 2)
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        #expect(
            try reader.read([plain, key], count: 9, wait: nil, on: connection, into: &block).outcome == .entries(2))
        #expect(block.streams.map(\.key) == [key])
        try connection.command("DEL", .key(key))
        #expect(
            try reader.read([plain, key], count: 9, wait: nil, on: connection, into: &block).outcome
                == .missingGroup(candidates: [key]))
    }

    @Test func aStreamThatVanishesWhileWaitedForIsMissing() async throws {
        let connection = try await prepared("r:vanish1", "r:vanish2")
        let client = try #require(try connection.command("CLIENT", "ID").integer)
        let endpoint = try await SharedRedis.endpoint()
        Thread.detachNewThread {
            // Whatever goes wrong here shows in the read, which then waits to its end.
            guard let other = try? RedisConnection.connect(to: endpoint, name: "other") else { return }
            guard (try? other.waitUntilBlocked(client)) != nil else { return }
            _ = try? other.command("PEXPIRE", "r:vanish2", "30")
        }
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let streams: [StreamKey] = ["r:vanish1", "r:vanish2"]
        let start = ContinuousClock.now
        let result = try reader.read(streams, count: 1, wait: .seconds(120), on: connection, into: &block)
        guard case .missingGroup(let candidates) = result.outcome else {
            Issue.record("\(result.outcome)")
            return
        }
        // Redis 7.0 says UNBLOCKED and names no key; 8.0 says NOGROUP.
        #expect(candidates.contains("r:vanish2"))
        #expect(ContinuousClock.now - start < .seconds(110))
    }

    @Test func deletingTheKeyUnblocksTheRead() async throws {
        let connection = try await prepared("r:del")
        let other = try await SharedRedis.connect()
        var request = CommandBuffer()
        request.append("XREADGROUP", "GROUP", "g", "c", "BLOCK", "60000", "STREAMS", "r:del", ">")
        let deadline = ContinuousClock.now + .seconds(90)
        let client = try #require(try connection.command("CLIENT", "ID").integer)
        try connection.send(request, by: deadline)
        try other.waitUntilBlocked(client)
        try other.command("DEL", "r:del")
        var block = EntryBlock()
        guard case .refused(let error) = try connection.readEntries(.streams, into: &block, by: deadline) else {
            Issue.record("not refused")
            return
        }
        #expect(error.isMissingGroup)
        #expect(
            StreamReader.outcome(error, group: "g", streams: ["r:del"]) == .missingGroup(candidates: ["r:del"]))
    }

    @Test func aKeyOfAnotherTypeIsToldApart() async throws {
        let connection = try await prepared("r:good")
        try connection.command("SET", "r:string", "x")
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let result = try reader.read(["r:good", "r:string"], count: 1, wait: nil, on: connection, into: &block)
        #expect(result.outcome == .wrongType)
        #expect(try connection.type(of: "r:string") == "string")
        #expect(try connection.type(of: "r:good") == "stream")
        #expect(try connection.type(of: "r:nothing") == "none")
    }

    @Test func aRefusedAcknowledgementDoesNotSpoilTheRead() async throws {
        let connection = try await prepared("r:fine")
        try connection.command("SET", "r:notastream", "x")
        try connection.fill("r:fine", count: 1)
        var acknowledgements = CommandBuffer()
        acknowledgements.appendAcknowledge(stream: "r:notastream", group: group, ids: [id(1)])
        var reader = StreamReader(group: group, consumer: "c")
        var block = EntryBlock()
        let result = try reader.read(
            ["r:fine"], count: 1, wait: nil, acknowledgements: acknowledgements, on: connection, into: &block)
        guard case .refused(let error) = result.acknowledgements else {
            Issue.record("not refused")
            return
        }
        #expect(error.code == "WRONGTYPE")
        #expect(result.outcome == .entries(1))
    }

    @Test func anUnknownWordingMeansEveryStream() {
        let error = ServerError(code: "NOGROUP", message: "the group is gone")
        let streams: [StreamKey] = ["a", "b"]
        #expect(
            StreamReader.outcome(error, group: "g", streams: streams) == .missingGroup(candidates: streams))
        let quoted = ServerError(code: "NOGROUP", message: "key 'b' has no group")
        #expect(StreamReader.outcome(quoted, group: "g", streams: streams) == .missingGroup(candidates: ["b"]))
    }
}
