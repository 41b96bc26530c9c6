import Records
import RedisStreams
import RedisWire
import Testing

/// Each test has a database of its own, because SCAN sees all keys.
struct StreamDiscoveryTests {
    private func database(_ number: Int) async throws -> RedisConnection {
        let connection = try await SharedRedis.connect(database: number)
        try connection.command("FLUSHDB")
        return connection
    }

    @Test func streamsAreFoundAmongThousandsOfKeys() async throws {
        let connection = try await database(1)
        var publisher = StreamPublisher()
        var others = CommandBuffer()
        for number in 0..<3_000 {
            publisher.append(to: StreamKey("trades-X-\(number)"), fields: [("a", "b")])
            others.append("SET", "trades-Y-\(number)", "no stream")
        }
        publisher.append(to: "book-X-1", fields: [("a", "b")])
        _ = try publisher.flush(on: connection)
        _ = try connection.pipeline(others)
        let found = try StreamDiscovery.find(["trades-*", "md:trades", "book-?-[0-9]"], on: connection)
        #expect(found.count == 3_002)
        #expect(found == found.sorted())
        #expect(found.contains("md:trades") && found.contains("book-X-1"))
        #expect(!found.contains("trades-Y-1"))
    }

    @Test func onePassIsSpreadOverManyTicks() async throws {
        let connection = try await database(2)
        var publisher = StreamPublisher()
        for number in 0..<3_500 { publisher.append(to: StreamKey("s-\(number)"), fields: [("a", "b")]) }
        _ = try publisher.flush(on: connection)
        var discovery = StreamDiscovery(["s-*"])
        var ticks = 1
        while try !discovery.advance(on: connection, calls: 1) { ticks += 1 }
        #expect(ticks > 1)
        #expect(discovery.streams.count == 3_500)
        // A stream that is gone stays known until a whole pass has missed it.
        try connection.command("DEL", "s-77")
        #expect(discovery.streams.contains("s-77"))
        while try !discovery.advance(on: connection, calls: 2) {}
        #expect(!discovery.streams.contains("s-77"))
        #expect(discovery.streams.count == 3_499)
    }

    @Test func exactNamesNeedNoServer() async throws {
        let connection = try await database(3)
        connection.close()
        #expect(try StreamDiscovery.find(["b", "a", "a"], on: connection) == ["a", "b"])
    }
}
