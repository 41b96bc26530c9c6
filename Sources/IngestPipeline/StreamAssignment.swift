import IngestCore
import Records

/// The streams one lane reads: its own, and all of them once it has had nothing to do for a while.
///
/// A lane that has nothing to read helps its neighbours, so that one busy stream keeps every lane busy. That costs an
/// occasional conflict at most: Redis gives each entry to one of them.
struct StreamAssignment {
    private(set) var streams: [StreamKey] = []
    /// Those that rendezvous hashing gives to this lane: it also looks after what others left behind in them.
    private(set) var own: [StreamKey] = []
    private var version = -1
    private var quietSince: ContinuousClock.Instant?
    private var isHelping = false

    /// - Returns: whether streams or lanes have come or gone.
    mutating func refresh(_ directory: StreamDirectory, lane: String, now: ContinuousClock.Instant) -> Bool {
        let current = directory.version
        let isNews = current != version
        if isNews {
            version = current
            own = directory.streams(of: lane)
            // A lane without a stream of its own has nobody to wait for.
            if own.isEmpty { isHelping = true }
            streams = isHelping ? directory.all : own
        }
        if !isHelping, let quietSince, quietSince.duration(to: now) >= TimeTable.neighbourAfter {
            isHelping = true
            streams = directory.all
        }
        return isNews
    }

    /// A read brought entries of these streams. Entries of its own call the lane back from its neighbours.
    mutating func observed(_ delivered: [StreamKey], now: ContinuousClock.Instant) {
        if delivered.isEmpty {
            quietSince = quietSince ?? now
            return
        }
        quietSince = nil
        guard isHelping, delivered.contains(where: isOwn) else { return }
        isHelping = false
        streams = own
    }

    private func isOwn(_ stream: StreamKey) -> Bool {
        var low = 0
        var high = own.count
        while low < high {
            let middle = (low + high) / 2
            if own[middle] < stream { low = middle + 1 } else { high = middle }
        }
        return low < own.count && own[low] == stream
    }
}
