public import Records
public import RedisWire

/// Finds the streams that a configuration's names and patterns mean, with SCAN, never with KEYS.
///
/// A pass over the whole keyspace takes as many calls as it takes; ``advance(on:calls:)`` makes a few of them and keeps
/// the cursor, so that one tick of a slow timer costs the server little.
public struct StreamDiscovery: Sendable {
    /// Keys that each SCAN looks at.
    public static let scannedAtOnce = 1_000

    private let names: Set<StreamKey>
    private let patterns: [String]
    /// Found by the last whole pass, and by the one under way.
    private var settled: Set<StreamKey> = []
    private var found: Set<StreamKey> = []
    private var pattern = 0
    private var cursor = "0"

    /// - Parameter selectors: names, or glob patterns (those that hold `*`, `?` or `[`).
    public init(_ selectors: [String]) {
        names = Set(selectors.filter { !Self.isPattern($0) }.map { StreamKey($0) })
        patterns = selectors.filter(Self.isPattern)
    }

    public static func isPattern(_ selector: String) -> Bool {
        selector.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    /// What is known by now, sorted: all exact names, whether they exist or not, and what the patterns found. A stream
    /// that is gone is dropped when a pass has not seen it.
    public var streams: [StreamKey] { names.union(settled).union(found).sorted() }

    /// Goes on with the pass under way, or begins one.
    /// - Parameter calls: SCAN calls at most.
    /// - Returns: whether a pass was completed.
    /// - Throws: ``RedisError``; the pass goes on with the next call.
    @discardableResult
    public mutating func advance(on connection: RedisConnection, calls: Int) throws(RedisError) -> Bool {
        guard !patterns.isEmpty else { return true }
        for _ in 0..<max(1, calls) {
            cursor = try scan(connection, patterns[pattern], cursor)
            guard cursor == "0" else { continue }
            pattern += 1
            guard pattern == patterns.count else { continue }
            pattern = 0
            settled = found
            found = []
            return true
        }
        return false
    }

    /// Makes a whole pass.
    public static func find(_ selectors: [String], on connection: RedisConnection) throws(RedisError) -> [StreamKey] {
        var discovery = StreamDiscovery(selectors)
        while try !discovery.advance(on: connection, calls: .max) {}
        return discovery.streams
    }

    private mutating func scan(
        _ connection: RedisConnection, _ pattern: String, _ cursor: String
    ) throws(RedisError) -> String {
        let parts = try connection.command(
            "SCAN", .text(cursor), "MATCH", .text(pattern), "COUNT", .integer(Self.scannedAtOnce), "TYPE", "stream"
        ).array(of: "SCAN")
        guard parts.count == 2, let keys = parts[1].array else { throw unexpected("SCAN") }
        for key in keys {
            guard let bytes = key.bytes else { throw unexpected("SCAN") }
            found.insert(StreamKey(bytes: bytes))
        }
        return try parts[0].text(of: "SCAN")
    }
}
