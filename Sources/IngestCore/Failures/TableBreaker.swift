/// Why no batch of a table is tried at the moment, while batches of other tables go on.
public enum TableHold: Equatable, Hashable, Sendable {
    /// Somebody holds a lock: DDL or maintenance. It passes.
    case busy
    /// The table is not what its mapping expects.
    case schema
    /// A right is missing.
    case access
    /// The database refused every row of a whole batch, always for the same reason.
    case refusesRows

    /// Whether a failure concerns one table only; `nil` when it concerns the whole pipeline, or single rows.
    /// - Parameter namesTable: the failure came while rows were written, so that it is known whose they were.
    public init?(_ failure: FailureClass, namesTable: Bool) {
        switch failure {
        case .pause(let pause) where pause.scope == .table: self = .busy
        case .stop(.schema) where namesTable: self = .schema
        case .stop(.access) where namesTable: self = .access
        case .conflict, .pause, .retry, .isolate, .stop: return nil
        }
    }

    /// Whether the mapping has to be checked against the catalog before rows are tried again.
    public var needsCheck: Bool { self != .busy }
    /// Whether somebody has to do something about it.
    public var needsPerson: Bool { self != .busy }
}

/// A table's circuit breaker: after a failure that its rows cannot help, none is tried until a while later; then the
/// next batch decides. A value; times are monotonic.
public struct TableBreaker: Equatable, Sendable {
    private enum State: Equatable, Sendable {
        /// Nothing is tried before this moment.
        case waiting(until: Duration)
        /// Somebody compares the mapping with the catalog.
        case checking
        /// The next batch decides.
        case trying
    }

    public private(set) var hold: TableHold
    private var state: State
    private var backoff: Backoff

    /// Opens the breaker.
    /// - Parameter jitter: a random number in 0...1.
    public init(_ hold: TableHold, now: Duration, jitter: Double) {
        self.hold = hold
        backoff = Self.backoff(hold)
        state = .waiting(until: now)
        reopen(now, jitter)
    }

    /// A batch of the table failed again. Late answers of batches sent before the breaker opened change nothing.
    public mutating func failed(_ hold: TableHold, now: Duration, jitter: Double) {
        if case .waiting(let until) = state, now < until { return }
        if hold != self.hold {
            self.hold = hold
            backoff = Self.backoff(hold)
        }
        reopen(now, jitter)
    }

    /// Whether batches must not be tried.
    public func holds(at now: Duration) -> Bool {
        switch state {
        case .waiting(let until): now < until || hold.needsCheck
        case .checking: true
        case .trying: false
        }
    }

    /// Whether the caller has to check the mapping now; it then owes ``checked(isFit:now:jitter:)``.
    public mutating func takeCheck(now: Duration) -> Bool {
        guard hold.needsCheck, case .waiting(let until) = state, now >= until else { return false }
        state = .checking
        return true
    }

    /// The mapping was checked: batches are tried again when it fits the table.
    public mutating func checked(isFit: Bool, now: Duration, jitter: Double) {
        guard state == .checking else { return }
        if isFit { state = .trying } else { reopen(now, jitter) }
    }

    private mutating func reopen(_ now: Duration, _ jitter: Double) {
        // At least half the wait: with none at all a broken table would be tried without a pause now and then.
        state = .waiting(until: now + backoff.failed(jitter: 0.5 + jitter / 2))
    }

    private static func backoff(_ hold: TableHold) -> Backoff {
        switch hold {
        case .busy: Backoff(base: .milliseconds(100), cap: .seconds(2))
        case .schema, .access: Backoff(base: .milliseconds(500), cap: .seconds(5))
        case .refusesRows: Backoff(base: .seconds(1), cap: .seconds(60))
        }
    }
}
