/// How much a lane may have in flight: bytes, whatever the backlog. The limit is shared by the batches of one lane,
/// two with split-phase commit.
public struct Credits: Equatable, Sendable {
    /// Bytes of replies that the lane may hold at once.
    public let limitBytes: Int
    /// Most entries of one stream in one reply.
    public let limitRows: Int
    public private(set) var usedBytes = 0
    /// Moving average of an entry's bytes in replies.
    public private(set) var averageBytes: Double

    /// - Parameter averageBytes: a first guess, in force until replies were seen.
    public init(limitBytes: Int, limitRows: Int, averageBytes: Int = 512) {
        self.limitBytes = max(1, limitBytes)
        self.limitRows = max(1, limitRows)
        self.averageBytes = Double(max(1, averageBytes))
    }

    /// Whether another read may begin: always when nothing is in flight.
    public var mayRead: Bool { usedBytes == 0 || usedBytes < limitBytes }

    /// COUNT of the next XREADGROUP, which Redis takes per stream: credits / (streams x average bytes), at least one,
    /// at most the limit of rows.
    public func count(streams: Int) -> Int {
        let free = Double(max(0, limitBytes - usedBytes))
        let fit = free / (Double(max(1, streams)) * averageBytes)
        guard fit >= 1 else { return 1 }
        return fit >= Double(limitRows) ? limitRows : Int(fit)
    }

    /// A reply of so many bytes came and is in flight until ``released(bytes:)``.
    public mutating func taken(bytes: Int, entries: Int) {
        let bytes = max(0, bytes)
        usedBytes = usedBytes.addingReportingOverflow(bytes).overflow ? .max : usedBytes + bytes
        guard entries > 0 else { return }
        averageBytes = max(1, averageBytes * 0.75 + Double(bytes) / Double(entries) * 0.25)
    }

    public mutating func released(bytes: Int) {
        usedBytes = max(0, usedBytes - max(0, bytes))
    }
}
