public import Records

/// Entries that are durable and not yet acknowledged in Redis; one per lane.
///
/// An XACK that fails stays queued for as long as the source lives. Hold the queue while the destination has gone back
/// (DECISIONS 4), and drop a source when its incarnation ended: the same id may be another entry by then.
///
/// **Rule for whoever sends**: an XACK takes effect only if the epoch token is still the one the sources were resolved
/// with: `WATCH epoch` in the pipeline before, `MULTI, XACK …, EXEC` at the head of the next. Checking the token
/// after the XACK is too late: it could hit an entry with the same id in a stream that was made anew meanwhile.
public struct AcknowledgementQueue: Equatable, Sendable {
    /// Ids of one XACK.
    public static let chunkLimit = 1_000
    /// Ids of one transaction, during which the server does nothing else: 10,000 were seen to take 14 ms.
    public static let sentAtOnce = 5_000

    private var waiting: [Acknowledgement] = []
    private var sent: [Acknowledgement] = []
    /// While held, nothing is sent.
    public var isHeld = false

    public init() {}

    public var isEmpty: Bool { waiting.isEmpty && sent.isEmpty }
    /// Entries in the queue, sent ones included.
    public var count: Int { (waiting + sent).reduce(0) { $0 + $1.ids.count } }

    public mutating func append(_ acknowledgements: [Acknowledgement]) {
        waiting += acknowledgements
    }

    /// Takes what the next pipeline sends: at most `most` ids, in chunks of at most `limit`. What is left goes with the
    /// pipeline behind it, under a guard of its own. Nothing while earlier ones are neither confirmed nor failed, or
    /// while the queue is held.
    public mutating func send(limit: Int = chunkLimit, most: Int = sentAtOnce) -> [Acknowledgement] {
        guard !isHeld, sent.isEmpty else { return [] }
        var room = max(1, most)
        while room > 0, let next = waiting.first {
            let count = min(max(1, limit), room, next.ids.count)
            sent.append(Acknowledgement(source: next.source, ids: Array(next.ids.prefix(count))))
            room -= count
            if count == next.ids.count {
                waiting.removeFirst()
            } else {
                waiting[0] = Acknowledgement(source: next.source, ids: Array(next.ids.dropFirst(count)))
            }
        }
        return sent
    }

    /// Redis executed what was sent. How many ids it knew does not matter.
    public mutating func confirm() {
        sent = []
    }

    /// The reply did not come, was an error, or EXEC answered nil: all of it goes again.
    public mutating func fail() {
        waiting = sent + waiting
        sent = []
    }

    /// Keeps only what belongs to sources that are still the current ones of their streams.
    public mutating func keep(sources: Set<SourceNumber>) {
        waiting.removeAll { !sources.contains($0.source) }
        sent.removeAll { !sources.contains($0.source) }
    }
}
