import Records

/// As much of Redis as the design leans on: streams with one group, pending lists, markers, the epoch token.
///
/// A value: a replica that lags is an older copy.
struct ModelRedis {
    struct Entry {
        let id: StreamID
        let payload: Int
    }

    struct Pending {
        let id: StreamID
        var consumer: Int
        var since: Int
        var deliveries = 1
    }

    struct Group {
        var lastDelivered = StreamID.min
        /// Lost by a failover, as Redis answers NULL then.
        var entriesRead: Int? = 0
        /// Ascending by id.
        var pending: [Pending] = []
        var markers: [String] = []
    }

    struct Stream {
        var entries: [Entry] = []
        var lastGenerated = StreamID.min
        var entriesAdded = 0
        var group: Group?
    }

    var streams: [Stream?]
    var token: Int?
    /// Counts changes of the token's key: WATCH.
    private(set) var tokenVersion = 0
    /// `millrace:{group}:acked`.
    var acknowledged: [SourceNumber: StreamID] = [:]
    /// A connection to another server is broken.
    var server = 1

    init(streams count: Int) {
        streams = Array(repeating: nil, count: count)
    }

    // MARK: Producers and people

    mutating func add(_ payload: Int, id: StreamID, to stream: Int) {
        if streams[stream] == nil { streams[stream] = Stream() }
        streams[stream]?.entries.append(Entry(id: id, payload: payload))
        streams[stream]?.lastGenerated = id
        streams[stream]?.entriesAdded += 1
    }

    mutating func flushAll() {
        for stream in streams.indices { streams[stream] = nil }
        acknowledged = [:]
        if token != nil { set(token: nil) }
    }

    mutating func set(token: Int?) {
        self.token = token
        tokenVersion += 1
    }

    /// XTRIM MINID or XDEL.
    mutating func remove(from stream: Int, where isGone: (StreamID) -> Bool) -> [Int] {
        let gone = streams[stream]?.entries.filter { isGone($0.id) }.map(\.payload) ?? []
        streams[stream]?.entries.removeAll { isGone($0.id) }
        return gone
    }

    // MARK: Reading

    /// XREADGROUP `>`; `nil` is NOGROUP.
    mutating func readGroup(_ stream: Int, consumer: Int, count: Int, now: Int) -> [Entry]? {
        guard var group = streams[stream]?.group, let entries = streams[stream]?.entries else { return nil }
        let fresh = Array(entries.lazy.filter { $0.id > group.lastDelivered }.prefix(count))
        guard let last = fresh.last else { return [] }
        group.lastDelivered = last.id
        group.entriesRead = group.entriesRead.map { $0 + fresh.count }
        for entry in fresh { group.deliver(entry.id, to: consumer, now: now) }
        streams[stream]?.group = group
        return fresh
    }

    /// XRANGE.
    func range(_ stream: Int, _ ids: IDRange, count: Int = .max) -> [Entry] {
        guard let entries = streams[stream]?.entries else { return [] }
        return Array(entries.lazy.filter { ids.contains($0.id) }.prefix(count))
    }

    // MARK: Pending entries

    mutating func acknowledge(_ stream: Int, _ ids: [StreamID]) {
        streams[stream]?.group?.pending.removeAll { ids.contains($0.id) }
    }

    /// XPENDING of one consumer; `nil` is NOGROUP.
    func pending(_ stream: Int, of consumer: Int, from: StreamID, count: Int) -> [StreamID]? {
        guard let group = streams[stream]?.group else { return nil }
        return Array(group.pending.lazy.filter { $0.consumer == consumer && $0.id >= from }.prefix(count)).map(\.id)
    }

    /// XCLAIM JUSTID with min-idle 0. Ids that are not pending, or of deleted entries, are left out.
    mutating func claim(_ stream: Int, _ ids: [StreamID], by consumer: Int, now: Int) -> [StreamID] {
        guard let pending = streams[stream]?.group?.pending else { return [] }
        var claimed: [StreamID] = []
        for (place, one) in pending.enumerated() where ids.contains(one.id) {
            streams[stream]?.group?.pending[place].consumer = consumer
            streams[stream]?.group?.pending[place].since = now
            claimed.append(one.id)
        }
        return dropDeleted(stream, claimed)
    }

    /// XAUTOCLAIM JUSTID; `nil` is NOGROUP. The cursor comes back as `min` at the end of the list.
    mutating func autoclaim(
        _ stream: Int, by consumer: Int, minIdle: Int, cursor: StreamID, count: Int, now: Int
    ) -> (ids: [StreamID], next: StreamID)? {
        guard let group = streams[stream]?.group else { return nil }
        var ids: [StreamID] = []
        var next = StreamID.min
        for one in group.pending where one.id >= cursor {
            guard ids.count < count else {
                next = one.id
                break
            }
            if now - one.since >= minIdle { ids.append(one.id) }
        }
        return (claim(stream, ids, by: consumer, now: now), next)
    }

    private mutating func dropDeleted(_ stream: Int, _ ids: [StreamID]) -> [StreamID] {
        guard let entries = streams[stream]?.entries else { return [] }
        let known = ids.filter { id in entries.contains { $0.id == id } }
        if known.count < ids.count {
            streams[stream]?.group?.pending.removeAll { ids.contains($0.id) && !known.contains($0.id) }
        }
        return known
    }
}

extension ModelRedis.Group {
    mutating func deliver(_ id: StreamID, to consumer: Int, now: Int) {
        let place = pending.firstIndex { $0.id >= id } ?? pending.count
        if place < pending.count, pending[place].id == id {
            pending[place].consumer = consumer
            pending[place].since = now
            pending[place].deliveries += 1
        } else {
            pending.insert(.init(id: id, consumer: consumer, since: now), at: place)
        }
    }
}
