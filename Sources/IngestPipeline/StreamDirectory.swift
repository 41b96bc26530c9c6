import IngestCore
import Records
import RedisStreams
import Synchronization

/// The streams that are known to exist and the lanes that are known to live: what every lane of the process, the
/// housekeeper and the drain check look at. Thread-safe.
final class StreamDirectory: Sendable {
    struct State {
        var streams: [StreamKey: Routes.RouteID] = [:]
        /// Keys that hold something else than a stream.
        var blocked: Set<StreamKey> = []
        /// Streams that must not be ingested as things are: why, and when to look again.
        var leftOut: [StreamKey: LeftOut] = [:]
        /// Streams that somebody paused.
        var paused: Set<StreamKey> = []
        /// Consumer names of lanes whose heartbeat is fresh, this process' own included.
        var lanes: [String] = []
        /// When each consumer was last heard of, and the moment that was read, in Redis' milliseconds.
        var heartbeats = Heartbeats()

        func mayBeRead(_ stream: StreamKey) -> Bool {
            !blocked.contains(stream) && leftOut[stream].map { $0.until <= .now } ?? true
        }
    }

    struct LeftOut {
        var reason: String
        var until: ContinuousClock.Instant
    }

    /// Heartbeats of all consumers of the group, in Redis' milliseconds.
    struct Heartbeats: Equatable {
        var seen: [String: Int] = [:]
        var readAt = 0

        /// How long a consumer has said nothing; `nil` when it was never heard of. What a worker handed back when it
        /// stopped is nobody's: it is silent for ever.
        func silence(of consumer: String) -> Duration? {
            if consumer == ConsumerNames.released { return .seconds(86_400) }
            return seen[consumer].map { .milliseconds(max(0, readAt - $0)) }
        }
    }

    private let state = Mutex(State())
    private let revision = Atomic<Int>(0)

    /// Changes whenever ``streams(of:)`` may answer differently.
    var version: Int { revision.load(ordering: .acquiring) }

    /// Every known stream, ascending.
    var all: [StreamKey] { state.withLock { $0.streams.keys.sorted() } }

    var heartbeats: Heartbeats { state.withLock(\.heartbeats) }

    func route(of stream: StreamKey) -> Routes.RouteID? { state.withLock { $0.streams[stream] } }

    /// Adds streams that discovery found. Streams are never taken away: one that is gone heals or stays empty.
    func add(_ found: [(stream: StreamKey, route: Routes.RouteID)]) {
        let changed = state.withLock { state in
            let before = state.streams.count
            for item in found where state.mayBeRead(item.stream) { state.streams[item.stream] = item.route }
            return state.streams.count != before
        }
        if changed { revision.add(1, ordering: .releasing) }
    }

    /// Leaves a key out until the process ends.
    func block(_ stream: StreamKey) {
        let changed = state.withLock { state in
            state.streams[stream] = nil
            return state.blocked.insert(stream).inserted
        }
        if changed { revision.add(1, ordering: .releasing) }
    }

    var blocked: [StreamKey] { state.withLock { $0.blocked.sorted() } }

    /// How long a stream is left out before it is looked at again.
    private static let leaveOutFor = Duration.seconds(60)

    /// Leaves a stream out for a while: discovery brings it back.
    /// - Returns: whether that is news.
    func leaveOut(_ stream: StreamKey, reason: String) -> Bool {
        let entry = LeftOut(reason: reason, until: .now + Self.leaveOutFor)
        let isNews = state.withLock { state in
            state.streams[stream] = nil
            return state.leftOut.updateValue(entry, forKey: stream) == nil
        }
        revision.add(1, ordering: .releasing)
        return isNews
    }

    /// The stream may be ingested.
    /// - Returns: whether it was left out before.
    func takeUp(_ stream: StreamKey) -> Bool {
        state.withLock { $0.leftOut.removeValue(forKey: stream) != nil }
    }

    /// Streams that are left out, and why.
    var leftOut: [(stream: StreamKey, reason: String)] {
        state.withLock { state in state.leftOut.map { ($0.key, $0.value.reason) } }.sorted { $0.stream < $1.stream }
    }

    /// Streams that are not read until somebody resumes them.
    var paused: Set<StreamKey> { state.withLock(\.paused) }

    func setPaused(_ streams: Set<StreamKey>) { state.withLock { $0.paused = streams } }

    func setHeartbeats(_ heartbeats: Heartbeats, living lanes: [String]) {
        let changed = state.withLock { state in
            state.heartbeats = heartbeats
            guard state.lanes != lanes else { return false }
            state.lanes = lanes
            return true
        }
        if changed { revision.add(1, ordering: .releasing) }
    }

    /// The streams a lane reads first. Ownership is advice that spares conflicts; the ledger is the law.
    func streams(of lane: String) -> [StreamKey] {
        state.withLock { state in
            let lanes = state.lanes.contains(lane) ? state.lanes : state.lanes + [lane]
            return state.streams.keys.filter { Rendezvous.owner(of: $0, among: lanes) == lane }.sorted()
        }
    }
}
