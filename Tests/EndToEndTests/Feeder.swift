import Foundation
import PostgresWire
import RedisWire
import Synchronization
import Testing

/// A producer on a thread of its own that knows exactly what it wrote, through any outage of Redis.
///
/// Entries are numbered, and a number is never used again: when a reply is lost, the portion may or may not be in its
/// streams, and the rest goes on with new numbers. What the streams hold at the end decides what must be stored. The
/// numbers are `bid_price` of tickers, a table without any key (a second copy would be a second row), and `trade_id`
/// of trades, over eight streams. A script makes the entries, so that feeding costs the test process nothing.
final class Feeder: Sendable {
    struct State: Sendable {
        /// Entries whose XADD was answered.
        var confirmed = 0
        /// Numbers given out.
        var attempted = 0
        /// Portions without an answer.
        var lostReplies = 0
        var isStopped = false
        var isDone = false
    }

    private let scene: Scene
    private let rate: Int
    private let entries: Int
    private let state = Mutex(State())

    /// Starts to feed: `entries` in all, or until ``stop()``.
    init(_ scene: Scene, rate: Int, entries: Int = .max) {
        self.scene = scene
        self.rate = rate
        self.entries = entries
        Thread.detachNewThread { self.run() }
    }

    var progress: State { state.withLock(\.self) }

    func stop() { state.withLock { $0.isStopped = true } }

    /// Waits until the last entry is written.
    func finish() async throws {
        while !progress.isDone { try await Task.sleep(for: .milliseconds(20)) }
    }

    // MARK: Feeding

    private static let portion = 1_000

    private static let script = """
        local from, count, time = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
        for i = from, from + count - 1 do
          local n, symbol, part = string.format('%d', i), 'S' .. (i % 50), math.floor(i / 8) % 4
          if i % 2 == 0 and part == 0 then
            redis.call('XADD', 'md:ticker', '*', 'time', time, 'exchange', 'X', 'symbol', symbol, 'bid_price', n)
          elseif i % 2 == 0 then
            redis.call('XADD', 'ticker-X-' .. part, '*', 'timestamp', time, 'exchange', 'X', 'symbol', symbol,
              'receipt_timestamp', time, 'ask', 'None', 'bid', n)
          elseif part == 0 then
            redis.call('XADD', 'md:trades', '*', 'time', time, 'exchange', 'X', 'symbol', symbol, 'price', '1.5',
              'amount', '2', 'side', 'buy', 'trade_id', n)
          else
            redis.call('XADD', 'trades-X-' .. part, '*', 'timestamp', time, 'exchange', 'X', 'symbol', symbol,
              'price', '1.5', 'amount', '2', 'side', 'sell', 'type', 'None', 'id', n)
          end
        end
        return count
        """

    private func run() {
        let start = ContinuousClock.now
        var connection: RedisConnection?
        while true {
            let now = progress
            guard !now.isStopped, now.confirmed < entries else { break }
            let due = Int(Double(rate) * ((ContinuousClock.now - start) / .seconds(1)))
            let count = min(due - now.confirmed, Self.portion, entries - now.confirmed)
            guard count > 0 else {
                usleep(2_000)
                continue
            }
            do {
                let redis = try connection ?? scene.onRedis()
                connection = redis
                try send(count, from: now.attempted, on: redis)
            } catch {
                connection = nil
                usleep(20_000)
            }
        }
        state.withLock { $0.isDone = true }
    }

    private func send(_ count: Int, from first: Int, on redis: RedisConnection) throws {
        state.withLock {
            $0.attempted += count
            $0.lostReplies += 1
        }
        let time = String(Date().timeIntervalSince1970)
        try redis.command(
            "EVAL", .text(Self.script), 0, .integer(first), .integer(count), .text(time), timeout: .seconds(5))
        state.withLock {
            $0.confirmed += count
            $0.lostReplies -= 1
        }
    }

    // MARK: What must be stored

    private static let listing = """
        local page = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
        local numbers, ids = {}, {}
        for i, entry in ipairs(page) do
          numbers[i] = entry[2][#entry[2]]
          ids[i] = entry[1]
        end
        return {#page > 0 and page[#page][1] or '', table.concat(numbers, ','), table.concat(ids, ',')}
        """

    /// Puts the numbers of all entries that the streams hold into the table `expected`.
    private func loadExpected() throws {
        try scene.execute("DROP TABLE IF EXISTS expected; CREATE TABLE expected (n bigint, stream text, id text)")
        let redis = try scene.onRedis()
        for stream in try scene.streams() {
            var from = "-"
            while true {
                let page = try redis.command("EVAL", .text(Self.listing), 1, .text(stream), .text(from), 5_000).array
                guard let page, let last = page[0].text, !last.isEmpty else { break }
                _ = try scene.rows(
                    """
                    INSERT INTO expected
                    SELECT n, $3, id FROM unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')) AS t(n, id)
                    """, [page[1].text, page[2].text, stream])
                from = "(" + last
            }
        }
    }

    /// What the ledger says of entries that are in no table: the beginning of every search for a lost one.
    private func describeLost(_ sourceLocation: SourceLocation) throws {
        let lost = try scene.rows(
            """
            SELECT e.n, e.stream, e.id, s.source_no, l.ids::text AS range, l.kind, l.n AS entries,
                   l.committed_at::text AS committed_at
              FROM expected e
              LEFT JOIN ingest.source s ON s.stream = convert_to(e.stream, 'UTF8')
              LEFT JOIN ingest.ledger l ON l.source_no = s.source_no AND l.ids @> (
                     lpad(to_hex(split_part(e.id, '-', 1)::bigint), 16, '0')
                  || lpad(to_hex(split_part(e.id, '-', 2)::bigint), 16, '0'))::uuid
             WHERE NOT EXISTS (SELECT FROM market_data_ticker t WHERE t.bid_price = e.n)
               AND NOT EXISTS (SELECT FROM market_data_trades t WHERE t.trade_id = e.n::text)
             ORDER BY e.stream, e.n LIMIT 20
            """, deadline: .now + .seconds(300))
        for row in lost {
            let facts = try lost.columns.map { "\($0)=\(try row.text($0) ?? "none")" }.joined(separator: " ")
            Issue.record("lost: \(facts)", sourceLocation: sourceLocation)
        }
    }

    /// Every entry of every stream is stored, none twice, none as a dead letter, nothing is pending, and the ledger
    /// accounts for all of it. Workers must be stopped.
    /// - Parameter redisForgets: what Redis confirmed, and perhaps delivered, may be gone from it.
    func expectEverythingStoredOnce(
        redisForgets: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let scene = scene
        try await onThread { try self.loadExpected() }
        let facts = try scene.rows(
            """
            WITH stored AS (SELECT bid_price::bigint AS n FROM market_data_ticker
                            UNION ALL SELECT trade_id::bigint FROM market_data_trades)
            SELECT (SELECT count(*) FROM expected) AS expected, (SELECT count(*) FROM stored) AS stored,
                   (SELECT count(*) FROM (SELECT n FROM expected EXCEPT SELECT n FROM stored) AS t) AS lost,
                   (SELECT count(*) - count(DISTINCT n) FROM stored) AS twice,
                   (SELECT count(*) FROM (SELECT n FROM stored EXCEPT SELECT n FROM expected) AS t) AS foreign_rows,
                   (SELECT coalesce(sum(duplicates), 0) FROM ingest.batch) AS duplicates,
                   (SELECT coalesce(sum(n), 0) FROM ingest.ledger) AS covered,
                   (SELECT count(*) FROM ingest.dead_letter) AS letters
            """, deadline: .now + .seconds(300))[0]
        let expected = Int(try facts.requiredInteger("expected"))
        func expect(_ name: String, _ value: Int) throws {
            let found = Int(try facts.requiredInteger(name))
            #expect(found == value, "\(name)", sourceLocation: sourceLocation)
        }
        try expect("lost", 0)
        try describeLost(sourceLocation)
        try expect("twice", 0)
        let forgotten = redisForgets ? Int(try facts.requiredInteger("foreign_rows")) : 0
        try expect("foreign_rows", forgotten)
        try expect("stored", expected + forgotten)
        try expect("duplicates", 0)
        try expect("letters", 0)
        try expect("covered", expected + forgotten)
        #expect(try scene.pendingCount() == 0, sourceLocation: sourceLocation)
        let progress = progress
        if !redisForgets {
            #expect(
                expected >= progress.confirmed, "Redis lost entries it had confirmed", sourceLocation: sourceLocation)
        }
        #expect(expected <= progress.attempted, sourceLocation: sourceLocation)
    }
}

extension Scene {
    /// Pending entries of all streams, by consumer.
    func pendingByConsumer() throws -> [String: Int] {
        let redis = try onRedis()
        let streams = try streams()
        var commands = CommandBuffer()
        for stream in streams { commands.append("XPENDING", .text(stream), .text(Self.group)) }
        var result: [String: Int] = [:]
        for reply in try redis.pipeline(commands) {
            guard let summary = reply.array, summary.count == 4 else { continue }
            for consumer in summary[3].array ?? [] {
                guard let pair = consumer.array, let name = pair[0].text, let count = pair[1].integer else { continue }
                result[name, default: 0] += Int(count)
            }
        }
        return result
    }

    func pendingOfLiving(except name: String) throws -> Int {
        try pendingByConsumer().filter { $0.key != name }.values.reduce(0, +)
    }
}
