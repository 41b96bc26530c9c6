public import Records

/// What the ledger says is disposed of: per source, ranges that ascend and do not overlap.
///
/// Made from rows that one SELECT read in a new snapshot. An id that is covered has its row or its dead letter
/// committed; an id that is not covered may still be in a transaction that nobody sees yet, so absence proves nothing.
public struct Coverage: Equatable, Sendable {
    private var bySource: [SourceNumber: [IDRange]] = [:]

    public init() {}

    /// Rows may come in any order and may overlap.
    public init(_ rows: some Sequence<(source: SourceNumber, ids: IDRange)>) {
        for row in rows { bySource[row.source, default: []].append(row.ids) }
        for source in bySource.keys { bySource[source] = Self.merged(bySource[source] ?? []) }
    }

    public var isEmpty: Bool { bySource.isEmpty }

    /// The ranges of one source, ascending and without overlap.
    public func ranges(of source: SourceNumber) -> [IDRange] { bySource[source] ?? [] }

    public func contains(_ id: StreamID, of source: SourceNumber) -> Bool {
        overlaps(IDRange(id), of: source)
    }

    /// Whether any row shares an id with the range, be it an id that no entry has.
    public func overlaps(_ range: IDRange, of source: SourceNumber) -> Bool {
        guard let ranges = bySource[source] else { return false }
        let place = ranges.partitioningIndex { $0.upper >= range.lower }
        return place < ranges.count && ranges[place].lower <= range.upper
    }

    /// The ids that no row covers.
    public func subtracted(from ids: [StreamID], of source: SourceNumber) -> [StreamID] {
        guard bySource[source] != nil else { return ids }
        return ids.filter { !contains($0, of: source) }
    }

    static func merged(_ ranges: [IDRange]) -> [IDRange] {
        var result: [IDRange] = []
        for range in ranges.sorted(by: { $0.lower < $1.lower }) {
            if let last = result.last, range.lower <= last.upper {
                result[result.count - 1] = IDRange(last.lower, max(last.upper, range.upper))
            } else {
                result.append(range)
            }
        }
        return result
    }
}
