import IngestCore
import PostgresCopy
import PostgresWire
import Records
import Synchronization

/// The breakers of all tables, and the mappings as they were checked last: what the lanes of a process share about
/// their targets. Thread-safe.
final class TableBoard: Sendable {
    /// A table whose batches are not tried.
    struct Held: Sendable {
        let table: String
        let hold: TableHold
        /// The server's words, without content of records.
        let reason: String
    }

    private struct State {
        var mappings: [CheckedMapping]
        /// How often each mapping was checked anew.
        var revisions: [Int]
        var breakers: [String: (breaker: TableBreaker, reason: String)] = [:]
        var tallies: [String: RefusalTally] = [:]
    }

    private let state: Mutex<State>
    private let openCount = Atomic<Int>(0)
    private let mappingRevision = Atomic<Int>(0)
    private let began = ContinuousClock.now

    init(_ mappings: [CheckedMapping]) {
        state = Mutex(State(mappings: mappings, revisions: mappings.map { _ in 0 }))
    }

    private var now: Duration { began.duration(to: .now) }

    // MARK: Breakers

    /// Whether every table takes rows: the usual case, without a lock.
    var isClear: Bool { openCount.load(ordering: .acquiring) == 0 }

    /// Every table with an open breaker.
    var held: [Held] {
        if isClear { return [] }
        return state.withLock { state in
            state.breakers.map { Held(table: $0.key, hold: $0.value.breaker.hold, reason: $0.value.reason) }
        }.sorted { $0.table < $1.table }
    }

    /// Tables whose batches must not be tried now.
    var blocked: Set<String> {
        if isClear { return [] }
        let now = now
        return state.withLock { state in Set(state.breakers.filter { $0.value.breaker.holds(at: now) }.keys) }
    }

    /// Opens a table's breaker, or notes that it is still broken. Returns whether it was closed before.
    func failed(_ table: String, _ hold: TableHold, reason: String) -> Bool {
        let now = now
        let jitter = Double.random(in: 0...1)
        return state.withLock { state in
            if hold == .refusesRows {
                state.tallies[table, default: RefusalTally()].held(limit: IsolationLimits().wholesaleRefusals)
            }
            guard var known = state.breakers[table] else {
                state.breakers[table] = (TableBreaker(hold, now: now, jitter: jitter), reason)
                openCount.store(state.breakers.count, ordering: .releasing)
                return true
            }
            known.breaker.failed(hold, now: now, jitter: jitter)
            known.reason = reason
            state.breakers[table] = known
            return false
        }
    }

    /// The table took a batch. Returns whether its breaker was open.
    func succeeded(_ table: String) -> Bool {
        if isClear { return false }
        return state.withLock { state in
            let wasOpen = state.breakers.removeValue(forKey: table) != nil
            openCount.store(state.breakers.count, ordering: .releasing)
            return wasOpen
        }
    }

    // MARK: Refusals

    /// Whether the table has refused rows of late, so that a batch as a whole would be sent in vain.
    func expectsRefusals(_ table: String) -> Bool {
        state.withLock { $0.tallies[table]?.expectsRefusals ?? false }
    }

    /// Rows that the table has refused since it took one, whichever lane sent them.
    func refusedInARow(_ table: String) -> Int {
        state.withLock { $0.tallies[table]?.inARow ?? 0 }
    }

    /// A batch that went piece by piece is stored.
    func storedIsolated(_ table: String, taken: Int, refused: Int) {
        state.withLock { $0.tallies[table, default: RefusalTally()].stored(taken: taken, refused: refused) }
    }

    // MARK: Mappings

    /// Changes when some mapping was checked anew.
    var revision: Int { mappingRevision.load(ordering: .acquiring) }

    /// All of them, in the configuration's order.
    var mappings: [CheckedMapping] { state.withLock(\.mappings) }

    /// A route's mappings and their revision, which changes when one of them was checked anew: encoders made before do
    /// not fit any more.
    func mappings(of route: Routes.RouteID) -> (mappings: [CheckedMapping], revision: Int) {
        state.withLock { state in
            (route.mappings.map { state.mappings[$0] }, route.mappings.reduce(0) { $0 + state.revisions[$1] })
        }
    }

    /// A table whose mappings the caller has to check now; it owes ``checked(_:problem:)``.
    func takeCheck() -> String? {
        if isClear { return nil }
        let now = now
        return state.withLock { state in
            for table in state.breakers.keys.sorted() {
                if state.breakers[table]?.breaker.takeCheck(now: now) == true { return table }
            }
            return nil
        }
    }

    /// The table's mappings were compared with the catalog.
    /// - Parameter problem: why they do not fit.
    func checked(_ table: String, problem: String?) {
        let now = now
        let jitter = Double.random(in: 0...1)
        state.withLock { state in
            state.breakers[table]?.breaker.checked(isFit: problem == nil, now: now, jitter: jitter)
            if let problem { state.breakers[table]?.reason = problem }
        }
    }

    /// Takes mappings that were compiled anew.
    func adopt(_ mappings: [(index: Int, mapping: CheckedMapping)]) {
        state.withLock { state in
            for item in mappings {
                state.mappings[item.index] = item.mapping
                state.revisions[item.index] += 1
            }
        }
        mappingRevision.add(1, ordering: .releasing)
    }
}
