import Records

/// Which streams a lane asks for next, and how many entries of each.
///
/// COUNT of XREADGROUP holds per stream, so a read of many streams must ask for few entries of each. Streams that
/// gave all that was asked have more: the next read is theirs alone, with the whole budget, then the round goes on.
/// Streams are read in windows of at most ``maxStreamsPerRead``, in turn, so that none starves.
struct ReadPlan {
    /// More keys than this in one XREADGROUP make every call parse thousands of words.
    static let maxStreamsPerRead = 256

    struct Request: Equatable {
        var streams: [StreamKey]
        /// Entries per stream, at least 1.
        var count: Int
        /// The read closes a round in which nothing was found: it may wait for entries.
        var mayBlock: Bool
    }

    /// Upper bounds of one read, over all its streams.
    struct Budget: Equatable {
        var entries: Int
        var bytes: Int
    }

    private var streams: [StreamKey] = []
    private var position = 0
    private var emptyReads = 0
    private var hot: [StreamKey] = []
    private var wasHot = false
    /// Moving average of an entry's size on the wire; begins as a trade of about 250 bytes.
    private var averageBytes = 256.0

    private var windows: Int { (streams.count + Self.maxStreamsPerRead - 1) / Self.maxStreamsPerRead }

    /// Takes a new set of streams; the round begins anew when it differs.
    mutating func assign(_ newStreams: [StreamKey]) {
        guard newStreams != streams else { return }
        streams = newStreams
        position = 0
        emptyReads = 0
        hot.removeAll()
    }

    /// The next read, or `nil` while there is no stream to read.
    mutating func next(_ budget: Budget) -> Request? {
        guard !streams.isEmpty else { return nil }
        if !hot.isEmpty, !wasHot {
            wasHot = true
            return request(hot, budget, mayBlock: false)
        }
        wasHot = false
        if position >= streams.count { position = 0 }
        let end = min(position + Self.maxStreamsPerRead, streams.count)
        let window = Array(streams[position..<end])
        position = end
        return request(window, budget, mayBlock: hot.isEmpty && emptyReads >= windows)
    }

    private func request(_ streams: [StreamKey], _ budget: Budget, mayBlock: Bool) -> Request {
        let affordable = min(budget.entries, Int(Double(budget.bytes) / averageBytes))
        return Request(streams: streams, count: max(1, affordable / streams.count), mayBlock: mayBlock)
    }

    /// Learns from a reply: how many entries each stream gave, and how many bytes they took together.
    mutating func observed(_ request: Request, entries: [(stream: StreamKey, count: Int)], bytes: Int) {
        let total = entries.reduce(0) { $0 + $1.count }
        emptyReads = total == 0 ? emptyReads + 1 : 0
        let full = entries.filter { $0.count >= request.count }.map(\.stream)
        let asked = Set(request.streams)
        hot.removeAll { asked.contains($0) }
        if streams.count > 1 { hot.append(contentsOf: full.prefix(Self.maxStreamsPerRead - hot.count)) }
        if total > 0 {
            averageBytes += (Double(bytes) / Double(total) - averageBytes) / 8
        }
    }
}
