public import Records

/// What one stream gave a lane in one reply: ids the lane holds the bodies of, and which neighbours are proven.
///
/// A *run* is a stretch of ``ids`` within which the lane holds **every** entry that exists in the stream. Only a run
/// may become a range of the ledger; see ``FencePlanner``. A delivery can be made in two ways, and both prove their
/// runs: ``fresh(source:ids:unread:)`` from the reply of one `XREADGROUP >`, which Redis makes without gaps, and
/// ``claimed(source:ids:existing:)`` from claimed ids and an `XRANGE` reply that shows what lies between them.
///
/// Hostile input (ids that do not ascend) is sorted, freed of repeats, and proves nothing: every id is then a run of
/// its own.
public struct Delivery: Equatable, Sendable {
    /// How Redis handed the entries over.
    public enum Kind: Equatable, Sendable {
        /// By `XREADGROUP >`.
        case fresh
        /// By XAUTOCLAIM, XCLAIM, or out of the consumer's own pending list.
        case claimed
    }

    public let source: SourceNumber
    public let kind: Kind
    /// Strictly ascending.
    public let ids: [StreamID]
    /// Cuts `ids.indices` into stretches without an unknown entry inside; ascending, none empty.
    public let runs: [Range<Int>]

    init(source: SourceNumber, kind: Kind, ids: [StreamID], runs: [Range<Int>]) {
        self.source = source
        self.kind = kind
        self.ids = ids
        self.runs = runs
    }

    /// One stream's part of one `XREADGROUP >` reply.
    /// - Parameters:
    ///   - ids: the entries whose fields are held, in the reply's order.
    ///   - unread: entries of the same reply whose fields were read past; they stay pending, so no run crosses them.
    public static func fresh(source: SourceNumber, ids: [StreamID], unread: [StreamID] = []) -> Delivery {
        guard ids.isStrictlyAscending else { return loose(source: source, kind: .fresh, ids: ids) }
        guard !unread.isEmpty else {
            return Delivery(source: source, kind: .fresh, ids: ids, runs: ids.isEmpty ? [] : [0..<ids.count])
        }
        let breaks = unread.sorted()
        let runs = ids.stretches { left, right in
            let next = breaks.partitioningIndex { $0 > left }
            return next == breaks.count || breaks[next] > right
        }
        return Delivery(source: source, kind: .fresh, ids: ids, runs: runs)
    }

    /// Claimed entries.
    /// - Parameters:
    ///   - ids: the entries whose fields are held.
    ///   - existing: the ids of one XRANGE reply (or of consecutive ones) read after the claim, in its order. Two ids
    ///     that are neighbours there and both held belong to one run. Empty proves nothing.
    public static func claimed(source: SourceNumber, ids: [StreamID], existing: [StreamID] = []) -> Delivery {
        guard ids.isStrictlyAscending, existing.isStrictlyAscending, !existing.isEmpty else {
            return loose(source: source, kind: .claimed, ids: ids)
        }
        let runs = ids.stretches { left, right in
            let place = existing.partitioningIndex { $0 >= left }
            return place + 1 < existing.count && existing[place] == left && existing[place + 1] == right
        }
        return Delivery(source: source, kind: .claimed, ids: ids, runs: runs)
    }

    /// The part of a delivery between two indexes, for a batch that is cut in two.
    public func part(_ bounds: Range<Int>) -> Delivery {
        let bounds = bounds.clamped(to: ids.indices)
        let clipped = runs.compactMap { run -> Range<Int>? in
            let kept = run.clamped(to: bounds)
            guard !kept.isEmpty else { return nil }
            return (kept.lowerBound - bounds.lowerBound)..<(kept.upperBound - bounds.lowerBound)
        }
        return Delivery(source: source, kind: kind, ids: Array(ids[bounds]), runs: clipped)
    }

    /// Whether the delivery holds this id. Binary search.
    public func holds(_ id: StreamID) -> Bool {
        let place = ids.partitioningIndex { $0 >= id }
        return place < ids.count && ids[place] == id
    }

    private static func loose(source: SourceNumber, kind: Kind, ids: [StreamID]) -> Delivery {
        var sorted = ids.sorted()
        sorted = sorted.indices.filter { $0 == 0 || sorted[$0] != sorted[$0 - 1] }.map { sorted[$0] }
        return Delivery(source: source, kind: kind, ids: sorted, runs: sorted.indices.map { $0..<($0 + 1) })
    }
}

extension Array where Element == StreamID {
    var isStrictlyAscending: Bool {
        var index = 1
        while index < count {
            if self[index - 1] >= self[index] { return false }
            index += 1
        }
        return true
    }

    /// Cuts the indices wherever `joins` says that two neighbours do not belong together.
    func stretches(where joins: (StreamID, StreamID) -> Bool) -> [Range<Int>] {
        guard !isEmpty else { return [] }
        var result: [Range<Int>] = []
        var start = 0
        for index in indices.dropFirst() where !joins(self[index - 1], self[index]) {
            result.append(start..<index)
            start = index
        }
        result.append(start..<count)
        return result
    }
}

extension Array {
    /// The first index whose element fulfils a condition that no earlier element fulfils and all later ones do.
    func partitioningIndex(where belongsToSecond: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
