import Foundation
import IngestTesting
import PostgresCopy
import PostgresWire
import Records
import Testing

extension ContinuousClock.Instant {
    /// Long enough for anything that is meant to succeed.
    static var soon: Self { .now + .seconds(90) }
}

/// A fresh, migrated database of the test servers.
struct TestDatabase {
    let url: String

    init() async throws {
        url = try await TestServices.shared.migratedDatabase()
    }

    func connect(_ name: String = "millrace/test/0") throws -> PostgresConnection {
        try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: name)
    }

    func session() throws -> CommitSession { CommitSession(try connect(), limits: .patient) }
}

extension CommitSession.Limits {
    /// No slow machine is taken for a fault.
    static var patient: Self {
        var limits = Self()
        limits.lockTimeout = .seconds(60)
        limits.statementTimeout = .seconds(60)
        limits.idleInTransactionTimeout = .seconds(60)
        return limits
    }
}

/// Runs blocking code on a thread of its own, so that it takes none from the tests' pool.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

/// Looks again and again, for a minute at most. Blocks.
func waitUntil(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) throws {
    let end = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(.now < end, what, sourceLocation: sourceLocation)
        usleep(2_000)
    }
}

/// The problem of a target that must be refused.
func problem<R>(_ body: () throws(TargetProblem) -> R) -> TargetProblem? {
    do throws(TargetProblem) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

extension PostgresConnection {
    func number(_ sql: String) throws(PostgresError) -> Int64? {
        try query("SELECT (\(sql))::bigint AS n", deadline: .soon)[0].integer("n")
    }

    /// Whether the session of that process waits for a lock.
    func isWaitingForALock(_ pid: Int32) throws(PostgresError) -> Bool {
        try number("SELECT count(*) FROM pg_stat_activity WHERE pid = \(pid) AND wait_event_type = 'Lock'") == 1
    }

    func rowCount(_ table: String) throws(PostgresError) -> Int64? {
        try number("SELECT count(*) FROM \(table)")
    }

    /// A table `items(k bigint, v text, version bigint)` and what tests need of it.
    func makeItems(_ constraint: String = "") throws(PostgresError) {
        try execute("CREATE TABLE items (k bigint, v text, version bigint \(constraint))", deadline: .soon)
    }

    func target(
        _ table: String = "items", columns: [String] = ["k", "v", "version"], _ policy: ConflictPolicy = .error
    ) throws(TargetProblem) -> CopyTarget {
        try CopyTarget(Catalog(self).describe(TableName(table), deadline: .soon), columns: columns, policy: policy)
    }
}

extension PostgresConnection {
    /// The target `items` with a policy.
    func target(_ policy: ConflictPolicy) throws(TargetProblem) -> CopyTarget {
        try target("items", policy)
    }
}

/// A row of `items`.
struct Item {
    var k: Int64?
    var v: String
    var version: Int64?

    init(_ k: Int64?, _ v: String = "v", version: Int64? = nil) {
        self.k = k
        self.v = v
        self.version = version
    }
}

/// Binary COPY data of a few items.
func binary(_ items: [Item]) -> [UInt8] {
    var bytes = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + [UInt8](repeating: 0, count: 8)
    func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
    func append(_ value: Int64?) {
        append(Int32(value == nil ? -1 : 8))
        if let value { append(value) }
    }
    for item in items {
        append(Int16(3))
        append(item.k)
        append(Int32(item.v.utf8.count))
        bytes += item.v.utf8
        append(item.version)
    }
    return bytes + [0xFF, 0xFF]
}

func rows(_ target: CopyTarget, _ items: [Item], isStaged: Bool = false) -> CommitUnit.Rows {
    CommitUnit.Rows(target: target, count: items.count, source: CopyPieces(binary(items)), isStaged: isStaged)
}

/// Ids `from…to` (milliseconds) of source 1.
func range(_ from: UInt64, _ to: UInt64, source: Int32 = 1) -> CommitUnit.Range {
    CommitUnit.Range(
        source: SourceNumber(rawValue: source),
        ids: IDRange(StreamID(milliseconds: from, sequence: 0), StreamID(milliseconds: to, sequence: 0)),
        count: Int(to - from + 1))
}
