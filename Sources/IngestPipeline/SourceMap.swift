import IngestCore
import Records

/// Which incarnation each stream of a lane is, as far as the lane has looked.
struct SourceMap {
    private var numbers: [StreamKey: SourceNumber] = [:]
    private var streams: [SourceNumber: StreamKey] = [:]
    private var suspectUntil: [StreamKey: ContinuousClock.Instant] = [:]
    /// The epoch token in force when the sources were looked up. Another token, or none, means that some group was made
    /// anew since: every source must be looked up again before anything is planned.
    private(set) var token: [UInt8]?

    subscript(stream: StreamKey) -> SourceNumber? { numbers[stream] }

    func stream(_ source: SourceNumber) -> StreamKey? { streams[source] }

    /// The sources that are current.
    var current: Set<SourceNumber> { Set(streams.keys) }

    func missing(_ keys: [StreamKey]) -> [StreamKey] { keys.filter { numbers[$0] == nil } }

    mutating func set(_ stream: StreamKey, _ source: SourceNumber) {
        if let old = numbers[stream], old != source { streams[old] = nil }
        numbers[stream] = source
        streams[source] = stream
    }

    /// Forgets every source, because the epoch token is another one.
    mutating func forget(for token: [UInt8]?) {
        numbers = [:]
        streams = [:]
        self.token = token
    }

    /// Forgets one stream, whose group is gone.
    mutating func forget(_ stream: StreamKey) {
        if let source = numbers.removeValue(forKey: stream) { streams[source] = nil }
    }

    // MARK: Streams that may replay

    /// For the next ten minutes the ledger is asked before the first try, not only after a conflict.
    mutating func suspect(_ stream: StreamKey, at now: ContinuousClock.Instant) {
        suspectUntil[stream] = now.advanced(by: TimeTable.suspectFor)
    }

    func isSuspect(_ stream: StreamKey, at now: ContinuousClock.Instant) -> Bool {
        guard !suspectUntil.isEmpty, let until = suspectUntil[stream] else { return false }
        return now < until
    }
}
