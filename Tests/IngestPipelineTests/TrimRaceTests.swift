import Foundation
import IngestPipeline
import IngestTesting
import LocalServices
import Migrations
import PostgresWire
import Records
import RedisStreams
import RedisWire
import Synchronization
import Testing

/// A trimmer that never rests, beside a producer and a group that reads and acknowledges.
struct TrimRaceTests {
    private static let marker = "0b5f1e2a-0000-4000-8000-000000000001"
    private static let entries = 20_000

    /// Everything is in the ledger and old: only the other group's progress holds the trimmer back.
    private func servers() async throws -> (LocalRedis, GroupServers, RedisEndpoint) {
        let server = try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
        let endpoint = try RedisEndpoint(url: server.url)
        let redis = try RedisConnection.connect(to: endpoint, name: "millrace/trimmer")
        let url = try await TestServices.shared.database()
        let postgres = try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "test")
        _ = try Migrator(postgres).up()
        try postgres.execute(
            """
            INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation)
            VALUES ('default', 0, convert_to('s', 'UTF8'), 'g', '\(Self.marker)');
            INSERT INTO ingest.ledger (source_no, ids, kind, n)
            VALUES (1, ingest.sidrange('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
                                       '[]'), 'F', 0);
            """, deadline: .now + .seconds(120))
        try redis.setEpoch([1], group: "g")
        try redis.createGroup("g", of: StreamKey("s"))
        try redis.createConsumer("epoch:" + Self.marker, in: "g", of: StreamKey("s"))
        // It has acknowledged all that will come.
        try redis.command("XGROUP", "SETID", "s", "g", "18446744073709551615-18446744073709551615")
        try redis.createGroup("other", of: StreamKey("s"))
        return (
            server, GroupServers(redis: redis, postgres: postgres, deployment: "default", redisDatabase: 0, group: "g"),
            endpoint
        )
    }

    @Test func nothingGoesThatTheOtherGroupHasNotAcknowledged() async throws {
        let (server, servers, endpoint) = try await servers()
        let (isDone, isTrimming) = (Flag(), Flag())
        let trimmer = Trimmer(trimming: StreamTrimming(servers))
        // Threads of their own: on the few of the tests' pool one would have to wait for another.
        async let trimmed = onThread { try trimmer.run(until: isDone, begun: isTrimming) }
        async let produced: Void = onThread {
            while !isTrimming.isSet { usleep(1_000) }
            let redis = try RedisConnection.connect(to: endpoint, name: "producer")
            for first in stride(from: 1, through: Self.entries, by: 50) {
                var commands = CommandBuffer()
                for number in first..<(first + 50) { commands.append("XADD", "s", .text("\(number)-0"), "a", "b") }
                _ = try redis.pipeline(commands)
            }
        }
        async let consumed = onThread {
            defer { isDone.set() }
            return try Self.consume(endpoint)
        }
        try await produced
        #expect(try await consumed == Self.entries, "entries went before they were acknowledged")
        let (removed, trims) = try await trimmed
        #expect(removed > 1_000 && trims > 10, "the trimmer was at work: \(removed) in \(trims)")
        await server.stop()
    }

    /// Reads in order, and acknowledges what it still finds in the stream, late and not in order.
    private static func consume(_ endpoint: RedisEndpoint) throws -> Int {
        let redis = try RedisConnection.connect(to: endpoint, name: "consumer")
        var held: [StreamID] = []
        var next: UInt64 = 1
        var consumed = 0
        let end = ContinuousClock.now + .seconds(300)
        while next <= entries || !held.isEmpty {
            try #require(.now < end, "in time: \(next - 1) of \(entries) entries were read")
            let reply = try redis.command(
                "XREADGROUP", "GROUP", "other", "c", "COUNT", .integer(Int.random(in: 200...600)), "STREAMS", "s", ">")
            for entry in reply.array?.first?.array?.last?.array ?? [] {
                guard let id = entry.array?.first?.text.flatMap({ StreamID($0) }), id.milliseconds == next else {
                    return -1
                }
                held.append(id)
                next += 1
            }
            held.shuffle()
            // With nothing pending, entries given out between the trimmer's reads are the ones that could go unseen.
            let takesAll = next > entries || Bool.random()
            let some = held.prefix(takesAll ? held.count : held.count / 2)
            var looks = CommandBuffer()
            for id in some { looks.append("XRANGE", "s", .text("\(id)"), .text("\(id)")) }
            consumed += try redis.pipeline(looks).count { $0.array?.count == 1 }
            try redis.acknowledge(Array(some), of: StreamKey("s"), group: "other")
            held.removeFirst(some.count)
        }
        return consumed
    }
}

/// Safety: it is made, then used by one thread alone.
private struct Trimmer: @unchecked Sendable {
    let trimming: StreamTrimming

    func run(until isDone: Flag, begun: Flag) throws -> (removed: Int, trims: Int) {
        begun.set()
        var removed = 0
        var trims = 0
        while !isDone.isSet {
            if case .success(let count) = try trimming.trim(StreamKey("s"), retention: .seconds(3600)) {
                removed += count
                trims += 1
            }
        }
        return (removed, trims)
    }
}

private func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
