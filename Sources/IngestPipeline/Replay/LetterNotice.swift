import Logging
import Records

/// Tells of entries that became dead letters in this process: the first at once, then one message at most every ten
/// seconds, however many there are.
struct LetterNotice {
    static let interval = Duration.seconds(10)

    private var told: [Rejection.Reason: Int] = [:]
    private var next = ContinuousClock.now

    /// - Parameter isLast: the worker ends; what was not told yet is told now.
    mutating func tell(_ letters: [Rejection.Reason: Int], log: Logger, now: ContinuousClock.Instant, isLast: Bool) {
        guard now >= next || isLast else { return }
        let fresh = letters.filter { $0.value > told[$0.key] ?? 0 }
            .map { (cause: $0.key.rawValue, count: $0.value - (told[$0.key] ?? 0)) }
            .sorted { ($1.count, $0.cause) < ($0.count, $1.cause) }
        guard !fresh.isEmpty else { return }
        told = letters
        next = now + Self.interval
        log.warning(
            "entries became dead letters",
            metadata: [
                "count": "\(fresh.reduce(0) { $0 + $1.count })",
                "causes": "\(fresh.map { "\($0.cause) \($0.count)" }.joined(separator: ", "))",
            ])
    }
}
