import Records

/// Turns deliveries into the ranges a transaction may record.
///
/// **Invariant**: a transaction may record a range only if it holds, and disposes of, every entry that exists in that
/// stream within the range. So a range never leaves a run of ``Delivery``, never contains an id of the ledger, and
/// never spans a row of the ledger either: a row may stand for entries that were deleted since, and a range across
/// it would conflict for ever.
public enum FencePlanner {
    /// How survivors become ranges.
    public enum Grain: Equatable, Sendable {
        /// As few ranges as the runs allow: the normal way.
        case runs
        /// One range per entry: the way out when a conflict shows no covered id, which is a bug of ours.
        case singles
    }

    /// The probes to make before planning, or none when the first try may go without: a batch of fresh deliveries
    /// that was never tried costs no probe.
    /// - Parameters:
    ///   - isRetry: the batch met a conflict, an unknown outcome or another failure before.
    ///   - isSuspect: its streams may replay (a conflict or a reconnection within the last ten minutes).
    public static func probes(for deliveries: [Delivery], isRetry: Bool, isSuspect: Bool = false) -> [FenceProbe] {
        guard isRetry || isSuspect || deliveries.contains(where: { $0.kind == .claimed }) else { return [] }
        var windows: [SourceNumber: IDRange] = [:]
        for delivery in deliveries {
            guard let first = delivery.ids.first, let last = delivery.ids.last else { continue }
            let known = windows[delivery.source]
            windows[delivery.source] = IDRange(min(first, known?.lower ?? first), max(last, known?.upper ?? last))
        }
        return windows.map { FenceProbe(source: $0.key, ids: $0.value) }.sorted { $0.source < $1.source }
    }

    /// Plans one transaction. `coverage` must come from the probes of ``probes(for:isRetry:isSuspect:)`` when that
    /// asked for any; `nil` says that nothing was asked.
    ///
    /// An id that two deliveries hold survives once, in the first of them.
    public static func plan(
        _ deliveries: [Delivery], coverage: Coverage? = nil, grain: Grain = .runs
    ) -> FencePlan {
        let coverage = coverage ?? Coverage()
        var ranges: [FenceRange] = []
        var parts: [FencePlan.Part] = []
        parts.reserveCapacity(deliveries.count)
        for (index, delivery) in deliveries.enumerated() {
            let earlier = deliveries[..<index].filter { $0.source == delivery.source && $0.overlaps(delivery) }
            let part = judge(delivery, earlier: earlier, coverage: coverage)
            appendRanges(of: part, delivery, coverage: coverage, grain: grain, to: &ranges)
            parts.append(part)
        }
        ranges.sort { ($0.source, $0.ids.lower) < ($1.source, $1.ids.lower) }
        return FencePlan(ranges: merged(ranges), parts: parts)
    }

    private enum Fate { case survives, covered, repeated }

    private static func judge(_ delivery: Delivery, earlier: [Delivery], coverage: Coverage) -> FencePlan.Part {
        let rows = coverage.ranges(of: delivery.source)
        if rows.isEmpty, earlier.isEmpty {
            let all = delivery.ids.isEmpty ? [] : [delivery.ids.indices]
            return .init(source: delivery.source, survivors: all, covered: [], repeated: [])
        }
        var stretches: [Fate: [Range<Int>]] = [:]
        var row = 0
        for (index, id) in delivery.ids.enumerated() {
            while row < rows.count, rows[row].upper < id { row += 1 }
            let isCovered = row < rows.count && rows[row].lower <= id
            let fate: Fate = isCovered ? .covered : earlier.contains { $0.holds(id) } ? .repeated : .survives
            stretches[fate, default: []].extend(with: index)
        }
        return .init(
            source: delivery.source, survivors: stretches[.survives] ?? [], covered: stretches[.covered] ?? [],
            repeated: stretches[.repeated] ?? [])
    }

    /// Walks each run over the survivors. Entries that an earlier part holds do not end a range: the transaction
    /// disposes of them too. They must not widen it past the survivors, so ranges begin and end at survivors.
    private static func appendRanges(
        of part: FencePlan.Part, _ delivery: Delivery, coverage: Coverage, grain: Grain, to ranges: inout [FenceRange]
    ) {
        let ids = delivery.ids
        var run = 0
        var open: (run: Int, first: Int, last: Int, count: Int)?
        func close() {
            guard let range = open else { return }
            ranges.append(
                FenceRange(
                    source: delivery.source, ids: IDRange(ids[range.first], ids[range.last]), count: range.count))
            open = nil
        }
        for stretch in part.survivors {
            var start = stretch.lowerBound
            while start < stretch.upperBound {
                while run < delivery.runs.count, delivery.runs[run].upperBound <= start { run += 1 }
                let bound = run < delivery.runs.count ? delivery.runs[run].upperBound : start + 1
                let end = grain == .singles ? start + 1 : min(stretch.upperBound, bound)
                appendPieces(start..<end, of: delivery, coverage: coverage) { piece in
                    if let last = open, grain == .runs, last.run == run,
                        !coverage.overlaps(IDRange(ids[last.first], ids[piece.upperBound - 1]), of: delivery.source)
                    {
                        open = (run, last.first, piece.upperBound - 1, last.count + piece.count)
                    } else {
                        close()
                        open = (run, piece.lowerBound, piece.upperBound - 1, piece.count)
                    }
                }
                start = end
            }
        }
        close()
    }

    /// Cuts a stretch of survivors wherever a row of the ledger lies between two of them.
    private static func appendPieces(
        _ stretch: Range<Int>, of delivery: Delivery, coverage: Coverage, body: (Range<Int>) -> Void
    ) {
        guard let first = stretch.first, let last = stretch.last else { return }
        let ids = delivery.ids
        guard coverage.overlaps(IDRange(ids[first], ids[last]), of: delivery.source) else { return body(stretch) }
        var start = first
        for index in stretch.dropFirst()
        where coverage.overlaps(IDRange(ids[index - 1], ids[index]), of: delivery.source) {
            body(start..<index)
            start = index
        }
        body(start..<stretch.upperBound)
    }

    /// A call can collide with itself: ranges of several deliveries of one source may overlap. Each of them holds all
    /// that exists within it, so their union does.
    private static func merged(_ sorted: [FenceRange]) -> [FenceRange] {
        var result: [FenceRange] = []
        result.reserveCapacity(sorted.count)
        for range in sorted {
            if let last = result.last, last.source == range.source, range.ids.lower <= last.ids.upper {
                result[result.count - 1] = FenceRange(
                    source: last.source, ids: IDRange(last.ids.lower, max(last.ids.upper, range.ids.upper)),
                    count: last.count + range.count)
            } else {
                result.append(range)
            }
        }
        return result
    }
}

extension Delivery {
    func overlaps(_ other: Delivery) -> Bool {
        guard let first = ids.first, let last = ids.last, let otherFirst = other.ids.first,
            let otherLast = other.ids.last
        else { return false }
        return first <= otherLast && otherFirst <= last
    }
}

extension Array where Element == Range<Int> {
    /// Appends an index to the last range, or as a range of its own.
    mutating func extend(with index: Int) {
        if let last, last.upperBound == index {
            self[count - 1] = last.lowerBound..<(index + 1)
        } else {
            append(index..<(index + 1))
        }
    }
}
