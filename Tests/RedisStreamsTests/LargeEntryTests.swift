import IngestTesting
import LocalServices
import Records
import RedisWire
import Testing

@testable import RedisStreams

/// XINFO STREAM shows a stream's first and last entry whole. Questions about a stream must not depend on their size.
struct LargeEntryTests {
    private static let large = "redis.call('XADD', KEYS[1], ARGV[1], 'f', string.rep('x', tonumber(ARGV[2]))) return 1"

    /// A Redis with streams whose first and last entries are of this size.
    private func streams(_ count: Int, of bytes: Int) async throws -> (LocalRedis, RedisConnection, [StreamKey]) {
        let server = try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
        let connection = try RedisConnection.connect(
            to: RedisEndpoint(address: .unix(path: server.socketPath)), name: "millrace/test/0")
        connection.commandTimeout = .seconds(300)
        let keys = (1...count).map { StreamKey("large:\($0)") }
        for key in keys {
            try connection.createGroup("g", of: key)
            for number in [1, 3] {
                try connection.command(
                    "EVAL", .text(Self.large), 1, .key(key), .text("\(number)-0"), .integer(bytes))
            }
            try connection.mark(.random(), in: "g", of: key)
        }
        return (server, connection, keys)
    }

    private func expectAnswers(_ connection: RedisConnection, _ keys: [StreamKey]) throws {
        let identities = try connection.identities(of: keys, group: "g")
        let accounts = try connection.accounts(of: keys, group: "g")
        #expect(identities.count == keys.count && accounts.count == keys.count)
        for key in keys {
            let facts = try #require(try connection.streamFacts(of: key))
            #expect(facts.length == 2 && facts.firstEntryID == id(1) && facts.lastEntryID == id(3))
            #expect(identities[key]?.stream == facts && accounts[key]?.stream == facts)
            #expect(identities[key]?.markers.count == 1 && accounts[key]?.unread == 2)
        }
        #expect(try connection.command("PING").text == "PONG", "nothing was left unread")
    }

    /// One entry is larger than an ordinary reply may be.
    @Test func anEntryOfSeventyMegabytesIsInNobodysWay() async throws {
        let (server, connection, keys) = try await streams(1, of: 70 << 20)
        try expectAnswers(connection, keys)
        await server.stop()
    }

    /// Together they are.
    @Test func manyEntriesOfAMegabyteAreInNobodysWay() async throws {
        let (server, connection, keys) = try await streams(70, of: 1 << 20)
        try expectAnswers(connection, keys)
        await server.stop()
    }

    @Test func anEntryOfAMillionFieldsIsInNobodysWay() async throws {
        let (server, connection, keys) = try await streams(1, of: 1)
        var commands = CommandBuffer()
        commands.begin(argumentCount: 3 + 2 * 500_001)
        commands.write("XADD")
        commands.write(keys[0].bytes)
        commands.write("4-0")
        for _ in 0..<(2 * 500_001) { commands.write("f") }
        #expect(try connection.pipeline(commands)[0].text == "4-0")
        #expect(try connection.identities(of: keys, group: "g")[keys[0]]?.stream?.lastEntryID == id(4))
        #expect(try connection.accounts(of: keys, group: "g")[keys[0]]?.unread == 3)
        #expect(try connection.streamFacts(of: keys[0])?.length == 3)
        await server.stop()
    }
}
