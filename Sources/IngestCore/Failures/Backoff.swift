/// Exponential back-off with full jitter: before try n wait a random part of `min(cap, base * 2^(n-1))`.
///
/// After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015). The random part is the caller's.
public struct Backoff: Equatable, Sendable {
    public let base: Duration
    public let cap: Duration
    /// Failures in a row so far.
    public private(set) var failures = 0

    /// Default: 100 ms doubled up to 30 s.
    public init(base: Duration = .milliseconds(100), cap: Duration = .seconds(30)) {
        self.base = max(.zero, base)
        self.cap = max(.zero, cap)
    }

    /// Counts a failure and says how long to wait.
    /// - Parameter jitter: a random number in 0...1; what lies outside is clamped, NaN is 1.
    public mutating func failed(jitter: Double) -> Duration {
        if failures < Int.max { failures += 1 }
        return ceiling(afterFailures: failures) * (jitter >= 0 ? min(jitter, 1) : jitter < 0 ? 0 : 1)
    }

    public mutating func succeeded() {
        failures = 0
    }

    /// The longest wait after so many failures in a row.
    public func ceiling(afterFailures failures: Int) -> Duration {
        guard failures > 0 else { return .zero }
        var wait = min(base, cap)
        var doublings = failures - 1
        while doublings > 0, wait > .zero, wait < cap {
            wait = min(wait + wait, cap)
            doublings -= 1
        }
        return wait
    }
}
