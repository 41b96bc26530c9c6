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

    mutating func refresh(_ directory: StreamDirectory, lane: String, now: ContinuousClock.Instant) {
        let current = directory.version
        if current != version {
            version = current
            own = directory.streams(of: lane)
            streams = isHelping ? directory.all : own
        }
        guard !isHelping, let quietSince, quietSince.duration(to: now) >= TimeTable.neighbourAfter else { return }
        isHelping = true
        streams = directory.all
    }

    /// A read brought so many entries.
    mutating func observed(entries: Int, now: ContinuousClock.Instant) {
        if entries > 0 {
            quietSince = nil
        } else if quietSince == nil {
            quietSince = now
        }
    }

    /// Every lane has plenty of its own again.
    mutating func stopHelping() {
        guard isHelping else { return }
        isHelping = false
        streams = own
    }
}
