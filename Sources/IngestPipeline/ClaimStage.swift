import IngestCore
import PostgresWire
import Records

/// What a lane has to fetch besides new entries: its own pending ones after a (re)connection, those of consumers that
/// died, and bodies that were too large for the reply they came in. A value: it says what is due and keeps cursors.
struct ClaimStage {
    /// Ids of one stream that this consumer holds pending and whose fields are still to be read, ascending.
    struct Waiting: Equatable {
        let stream: StreamKey
        var ids: [StreamID]

        /// What is left when the first `count` are taken.
        func behind(_ count: Int) -> Waiting { Waiting(stream: stream, ids: Array(ids.dropFirst(count))) }
    }

    private let every: Duration
    /// Ids to fetch, oldest first. Filled only while it is empty, so it is bounded by one sweep.
    private(set) var waiting: [Waiting] = []
    /// Streams whose own pending entries are not read back yet, each with the id to go on from.
    private(set) var ownPending: [(stream: StreamKey, after: StreamID)] = []
    /// Own pending entries are to be looked for, in streams where that was not done yet.
    private(set) var isOwnDue = true
    private var looked: Set<StreamKey> = []
    private var sweeps: [StreamKey: ClaimSweep] = [:]
    private var nextSweep = ContinuousClock.now
    private let claimAfter: Duration
    private var nextLeftovers: ContinuousClock.Instant

    init(settings: PipelineSettings) {
        every = settings.claimEvery
        claimAfter = settings.claimAfter
        nextLeftovers = .now + claimAfter
    }

    /// Nothing is left that this consumer is known to hold.
    var isIdle: Bool { waiting.isEmpty && ownPending.isEmpty && !isOwnDue }

    /// Whether it is time to look after other consumers. Not while there is something to fetch already.
    func isSweepDue(_ now: ContinuousClock.Instant) -> Bool { isIdle && now >= nextSweep }

    // MARK: What to fetch

    mutating func add(_ stream: StreamKey, _ ids: [StreamID]) {
        guard !ids.isEmpty else { return }
        waiting.append(Waiting(stream: stream, ids: ids))
    }

    /// Takes the ids to fetch next.
    mutating func takeWaiting() -> Waiting? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Puts back what could not be fetched yet.
    mutating func putBack(_ rest: Waiting) {
        if !rest.ids.isEmpty { waiting.insert(rest, at: 0) }
    }

    // MARK: Own pending entries

    /// More streams are known. Of those this consumer may hold entries that a worker of its name left pending, and
    /// nobody else takes what a living lane holds.
    mutating func streamsCame(_ streams: [StreamKey]) {
        isOwnDue = isOwnDue || streams.contains { !looked.contains($0) }
    }

    /// Streams where own pending entries were not looked for yet.
    func unseen(_ streams: [StreamKey]) -> [StreamKey] { streams.filter { !looked.contains($0) } }

    /// Own pending entries were looked for in `streams`, and are there in some of them.
    mutating func foundOwn(_ found: [StreamKey], in streams: [StreamKey]) {
        isOwnDue = false
        looked.formUnion(streams)
        readBack(Set(found))
    }

    mutating func takeOwn() -> (stream: StreamKey, after: StreamID)? {
        ownPending.isEmpty ? nil : ownPending.removeFirst()
    }

    /// The stream's next page begins behind `last`.
    mutating func goOnWithOwn(_ stream: StreamKey, after last: StreamID) {
        if let next = last.successor { ownPending.insert((stream, next), at: 0) }
    }

    // MARK: Streams that are left alone for a while

    /// Forgets what is known of these streams' pending entries; says of which there were any.
    mutating func leave(_ streams: Set<StreamKey>) -> Set<StreamKey> {
        guard !streams.isEmpty else { return [] }
        let left = Set(waiting.map(\.stream)).union(ownPending.map(\.stream)).intersection(streams)
        guard !left.isEmpty else { return [] }
        waiting.removeAll { left.contains($0.stream) }
        ownPending.removeAll { left.contains($0.stream) }
        return left
    }

    /// The own pending entries of these streams are to be read from their beginning.
    mutating func readBack(_ streams: Set<StreamKey>) {
        guard !streams.isEmpty else { return }
        ownPending.removeAll { streams.contains($0.stream) }
        ownPending += streams.sorted().map { ($0, .min) }
    }

    // MARK: Other consumers

    /// A sweep begins; the next one is due after about the configured interval.
    mutating func sweepBegan(_ now: ContinuousClock.Instant, jitter: Double) {
        nextSweep = now.advanced(by: every * (0.75 + 0.5 * jitter))
    }

    /// Whether it is time to look for own pending entries that this lane does not know of: left by another process of
    /// its name, or by somebody's XCLAIM. Nobody else takes what a living lane holds in a stream of its own.
    mutating func isLeftoverDue(_ now: ContinuousClock.Instant) -> Bool {
        guard isIdle, now >= nextLeftovers else { return false }
        nextLeftovers = now.advanced(by: claimAfter)
        return true
    }

    /// Sweeps go on at once: there was more than one call could take.
    mutating func sweepAgain() {
        nextSweep = .now
    }

    mutating func withSweep<Result>(of stream: StreamKey, _ body: (inout ClaimSweep) -> Result) -> Result {
        body(&sweeps[stream, default: ClaimSweep()])
    }

    /// Connections or groups are new: everything that was known is void.
    mutating func reset() {
        waiting = []
        ownPending = []
        isOwnDue = true
        looked = []
        sweeps = [:]
    }
}
