/// How many entries one XRANGE asks for: as many as come to ``bytes``, by what the last page took.
///
/// COUNT knows nothing of bytes. Redis makes a reply whole before it serves anybody else, what cannot be kept of it is
/// transferred again, and all of it has to arrive in time. So pages begin small, grow while entries are small, and
/// shrink to a single entry where a network is slow.
struct PageSize {
    /// What a page is to take of the wire: a few milliseconds of Redis' time.
    static let bytes = 2 << 20
    /// Entries of the first page.
    static let first = 32
    /// How long a page of a single entry may take: it cannot be made smaller.
    static let lonePatience = Duration.seconds(60)

    private(set) var count: Int
    private let limit: Int

    /// - Parameter limit: the most entries of a page.
    init(limit: Int) {
        self.limit = max(1, limit)
        count = min(self.limit, Self.first)
    }

    /// Learns from a page.
    mutating func observed(entries: Int, bytes: Int, in time: Duration) {
        guard entries > 0 else { return }
        var fitting = Self.bytes / max(1, bytes / entries)
        if time > Pace.goodTime { fitting = min(fitting, Int(Double(entries) * (Pace.goodTime / time))) }
        count = max(1, min(fitting, count * 4, limit))
    }

    /// A page did not arrive in time.
    mutating func timedOut() {
        count = max(1, count / 4)
    }
}
