/// How many bytes of a reply arrive in good time, as replies have shown: a command has five seconds, and over a slow
/// network a full batch would take longer.
///
/// What came in a time, in proportion to ``goodTime``, is the least that may come in it: latency is counted as if it grew
/// with the size. So one reply in good time can only raise the figure, and one that was late lowers it at once.
struct Pace {
    /// How long a reply should take at most.
    static let goodTime = Duration.seconds(1)

    /// Unlimited before the first reply.
    private(set) var bytes = Double.infinity
    private var isKnown = false

    /// Learns from a reply.
    mutating func observed(bytes came: Int, in time: Duration) {
        guard came > 0 else { return }
        let fitting = Double(came) * (Self.goodTime / max(time, .microseconds(1)))
        bytes = isKnown && time <= Self.goodTime ? max(bytes, fitting) : fitting
        isKnown = true
    }

    /// So many bytes, or about, did not arrive in time.
    mutating func timedOut(asking asked: Double) {
        bytes = max(1, min(bytes, asked) / 4)
        isKnown = true
    }
}
