/// Spreads work evenly over time: so many pieces a second, in small portions.
///
/// A value without a clock. After a stall it catches up, so that the average holds.
struct Pacer {
    let rate: Int
    let start: ContinuousClock.Instant
    /// Longest pause between portions while there is work: at 20,000 a second a portion is 40 pieces.
    static let tick = Duration.milliseconds(2)

    /// - Parameter rate: pieces a second, at least 1.
    init(rate: Int, start: ContinuousClock.Instant) {
        self.rate = rate
        self.start = start
    }

    /// When piece `index`, counted from 0, is due.
    func due(_ index: Int64) -> ContinuousClock.Instant {
        let (seconds, rest) = index.quotientAndRemainder(dividingBy: Int64(rate))
        return start + .seconds(seconds) + .nanoseconds(rest * 1_000_000_000 / Int64(rate))
    }

    /// Until when to wait before piece `index` is sent; `nil` when it is due. Waits are at least a tick, so that
    /// pieces that are close to each other go together.
    func pause(before index: Int64, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let due = due(index)
        return due <= now ? nil : max(due, now + Self.tick)
    }
}
