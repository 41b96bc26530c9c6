public import Records

/// When `run --drain` is done: every stream read, committed and acknowledged, seen twice in a row at least 200 ms apart
/// and after one new SCAN. `lag` is not used: it lies after restarts and trims. Retry letters and the mirror do not
/// count.
public struct DrainDecision: Equatable, Sendable {
    public struct Stream: Equatable, Sendable {
        public var key: StreamKey
        /// The last entry that the stream holds; `nil` when it is empty. Not the last id it gave out: what was deleted or
        /// trimmed unread is never delivered.
        public var lastEntry: StreamID?
        public var lastDelivered: StreamID
        public var pending: Int
        /// A breaker is open, or it was stopped or paused.
        public var isBlocked: Bool

        public init(
            key: StreamKey, lastEntry: StreamID?, lastDelivered: StreamID, pending: Int, isBlocked: Bool = false
        ) {
            self.key = key
            self.lastEntry = lastEntry
            self.lastDelivered = lastDelivered
            self.pending = pending
            self.isBlocked = isBlocked
        }

        var isDrained: Bool { pending == 0 && lastEntry.map { lastDelivered >= $0 } ?? true }
    }

    public struct Reading: Equatable, Sendable {
        /// Monotonic.
        public var at: Duration
        public var streams: [Stream]
        /// Nothing waits in any lane's ``AcknowledgementQueue`` or ``DeliveryLedger``.
        public var isSettled: Bool
        /// How many SCANs for new streams are complete.
        public var scans: Int

        public init(at: Duration, streams: [Stream], isSettled: Bool, scans: Int) {
            self.at = at
            self.streams = streams
            self.isSettled = isSettled
            self.scans = scans
        }
    }

    public enum Action: Equatable, Sendable {
        case wait
        /// Exit 0.
        case finish
        /// Exit 1, naming what is in the way.
        case giveUp(Obstacle)
    }

    public enum Obstacle: Equatable, Sendable {
        case blocked(StreamKey)
        /// The time is up; these are not drained (none when only this process has work left).
        case timeout([StreamKey])
    }

    private let deadline: Duration?
    private let scansAtStart: Int
    private var quietSince: Duration?

    /// - Parameters:
    ///   - scans: SCANs complete when draining began.
    ///   - deadline: on the clock of ``Reading/at``; `nil` waits for ever.
    public init(scans: Int, deadline: Duration? = nil) {
        scansAtStart = scans
        self.deadline = deadline
    }

    public mutating func read(_ reading: Reading) -> Action {
        if let blocked = reading.streams.first(where: { $0.isBlocked && !$0.isDrained }) {
            return .giveUp(.blocked(blocked.key))
        }
        let isQuiet = reading.isSettled && reading.streams.allSatisfy(\.isDrained)
        if isQuiet, reading.scans > scansAtStart {
            if let since = quietSince, reading.at - since >= TimeTable.drainInterval { return .finish }
            quietSince = quietSince ?? reading.at
        } else {
            quietSince = nil
        }
        guard let deadline, reading.at >= deadline else { return .wait }
        return .giveUp(.timeout(reading.streams.filter { !$0.isDrained }.map(\.key)))
    }
}
