/// When a dead letter that may heal by itself is tried again.
///
/// A value without clock and randomness: attempts go in, pauses come out.
public struct RetrySchedule: Equatable, Sendable {
    /// Tries of one letter; after the last it stays open and waits for an operator. 0 turns retries off.
    public var maximumAttempts: Int
    /// Longest pause before the first try; doubled for each further one.
    public var initialInterval: Duration
    /// No pause is longer.
    public var maximumInterval: Duration
    /// Pauses are a random part of the interval, so that letters of one outage do not come back together.
    public var isJittered: Bool

    /// By default 8 tries, 1 minute doubled up to 2 hours, full jitter.
    public init(
        maximumAttempts: Int = 8, initialInterval: Duration = .seconds(60), maximumInterval: Duration = .seconds(7200),
        isJittered: Bool = true
    ) {
        self.maximumAttempts = maximumAttempts
        self.initialInterval = initialInterval
        self.maximumInterval = maximumInterval
        self.isJittered = isJittered
    }

    /// How long a worker may be at a try before another one takes the letter.
    public static let lease = Duration.seconds(60)

    /// The pause before the next try.
    /// - Parameters:
    ///   - attempts: tries that were made already.
    ///   - jitter: a random number in 0...1.
    /// - Returns: `nil` when there is no further try.
    public func pause(afterAttempts attempts: Int, jitter: Double) -> Duration? {
        guard attempts < maximumAttempts else { return nil }
        var backoff = Backoff(base: initialInterval, cap: maximumInterval)
        guard isJittered else { return backoff.ceiling(afterFailures: attempts + 1) }
        for _ in 0..<max(0, attempts) { _ = backoff.failed(jitter: 0) }
        return backoff.failed(jitter: jitter)
    }

    /// Whether a row that PostgreSQL refused may be accepted later without anybody touching it: the row it refers to
    /// may come, the partition may be made, a limit may be lifted.
    /// - Parameter constraint: the constraint that the server named. A row without a partition is a violated check
    ///   (23514) that has no name.
    public static func mayHeal(sqlState: String?, constraint: String?) -> Bool {
        if sqlState == "23514" { return constraint == nil }
        guard case .isolate(let isolation) = FailureClass(sqlState: sqlState, isConnectionLost: false) else {
            return false
        }
        return isolation.mayHeal
    }
}
