import Records

/// Which streams a lane asks for next, and how many entries of each.
///
/// COUNT of XREADGROUP holds per stream, so a read of many streams must ask for few entries of each. Streams that
/// gave all that was asked have more: the next read is theirs alone, with the whole budget, then the round goes on.
/// Streams are read in windows of at most ``maxStreamsPerRead``, in turn, so that none starves.
///
/// COUNT knows nothing of bytes, so what entries take is learned of each stream: Redis makes a reply whole before it
/// serves anybody else, and what a lane cannot keep of it is transferred again.
struct ReadPlan {
    /// More keys than this in one XREADGROUP make every call parse thousands of words.
    static let maxStreamsPerRead = 256
    /// Entries asked of each stream while one of them is read for the first time: there may be a backlog of anything.
    static let firstCount = 64

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

    /// What one stream gave.
    struct Yield: Equatable {
        var stream: StreamKey
        var count: Int
        /// Of the wire, those that were read past included.
        var bytes: Int
    }

    private var streams: [StreamKey] = []
    private var position = 0
    private var emptyReads = 0
    private var hot: [StreamKey] = []
    private var wasHot = false
    /// Bytes of an entry on the wire, of each stream that was read: quick to rise, slow to fall.
    private var sizes: [StreamKey: Double] = [:]
    private var pace = Pace()
    /// Bytes that the last read may have brought.
    private var asked = 0.0

    private static let leastSize = 16.0
    /// Of a stream that gave nothing yet: a trade.
    private static let usualSize = 256.0

    private var windows: Int { (streams.count + Self.maxStreamsPerRead - 1) / Self.maxStreamsPerRead }

    /// Takes a new set of streams; the round begins anew when it differs.
    mutating func assign(_ newStreams: [StreamKey]) {
        guard newStreams != streams else { return }
        streams = newStreams
        position = 0
        emptyReads = 0
        hot.removeAll()
        let assigned = Set(newStreams)
        sizes = sizes.filter { assigned.contains($0.key) }
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

    private mutating func request(_ streams: [StreamKey], _ budget: Budget, mayBlock: Bool) -> Request {
        // Of one entry of each stream.
        let bytes = streams.reduce(0.0) { $0 + (sizes[$1] ?? Self.usualSize) }
        let fitting = min(Double(budget.bytes), pace.bytes) / bytes
        var count = min(budget.entries / streams.count, Int(min(fitting, Double(budget.entries))))
        if streams.contains(where: { sizes[$0] == nil }) { count = min(count, Self.firstCount) }
        count = max(1, count)
        asked = Double(count) * bytes
        return Request(streams: streams, count: count, mayBlock: mayBlock)
    }

    /// Learns from a reply.
    /// - Parameter time: how long it took, unless it waited for entries.
    mutating func observed(_ request: Request, _ yields: [Yield], in time: Duration?) {
        let given = yields.filter { $0.count > 0 }
        emptyReads = given.isEmpty ? emptyReads + 1 : 0
        let full = given.filter { $0.count >= request.count }.map(\.stream)
        let asked = Set(request.streams)
        hot.removeAll { asked.contains($0) }
        if streams.count > 1 { hot.append(contentsOf: full.prefix(Self.maxStreamsPerRead - hot.count)) }
        for yield in given {
            let size = max(Self.leastSize, Double(yield.bytes) / Double(yield.count))
            let before = sizes[yield.stream] ?? size
            sizes[yield.stream] = max(size, before + (size - before) / 8)
        }
        for stream in request.streams where sizes[stream] == nil { sizes[stream] = Self.usualSize }
        if let time {
            let came = given.reduce(0) { sum, yield in sum.addingReportingOverflow(yield.bytes).partialValue }
            pace.observed(bytes: came, in: time)
        }
    }

    /// A reply did not arrive in time: the next ones are to be smaller.
    mutating func timedOut() {
        pace.timedOut(asking: asked)
    }
}
