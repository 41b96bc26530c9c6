/// One thing to be done to a table.
public enum MaintenanceStep: Equatable, Sendable {
    /// A statement that makes a hypertable as its row says.
    case adjust(statement: String)
    /// Chunks for these times, in seconds since 1970.
    case make(times: [Int64])
    case drop(range: Range<Int64>, chunks: Int)
    case compress(range: Range<Int64>, chunks: Int)
    case move(range: Range<Int64>, to: String, chunks: Int)
}

/// What maintenance has to do to one table: a value, made of facts and a time.
///
/// Chunks are dropped and compressed only when their range **and** their last write are older than the limits. The
/// server checks both again.
public struct MaintenancePlan: Equatable, Sendable {
    public let table: String
    /// In the order in which they are to be done: what lets rows in comes first.
    public let steps: [MaintenanceStep]

    /// - Parameters:
    ///   - chunks: all of the table's, in any order.
    ///   - adjustments: what `ingest.lifecycle_statements` says.
    public init(_ limits: TableLimits, chunks: [Chunk], adjustments: [String] = []) {
        table = limits.table
        var steps = adjustments.map(MaintenanceStep.adjust(statement:))
        let missing = Self.missing(limits, chunks)
        if !missing.isEmpty { steps.append(.make(times: missing)) }
        var later: [MaintenanceStep] = []
        for slice in Self.slices(chunks) {
            switch Self.fate(of: slice, limits) {
            case .drop: steps.append(.drop(range: slice.range, chunks: slice.chunks.count))
            case .keep(let compress, let tablespace):
                if compress {
                    let count = slice.chunks.count { !$0.isCompressed }
                    later.append(.compress(range: slice.range, chunks: count))
                }
                if let tablespace {
                    let count = slice.chunks.count { $0.tablespace != tablespace }
                    later.append(.move(range: slice.range, to: tablespace, chunks: count))
                }
            }
        }
        self.steps = steps + later
    }

    /// Chunks of one range: a hypertable with partitions by symbol has several.
    private struct Slice {
        var range: Range<Int64>
        var chunks: [Chunk]

        /// `nil` as soon as one chunk may have been written just now.
        var lastWrite: Int64? {
            var latest = Int64.min
            for chunk in chunks {
                guard let write = chunk.lastWrite else { return nil }
                latest = max(latest, write)
            }
            return latest
        }
    }

    private enum Fate {
        case drop
        case keep(compress: Bool, moveTo: String?)
    }

    private static func fate(of slice: Slice, _ limits: TableLimits) -> Fate {
        let isQuiet = slice.lastWrite.map { $0 <= limits.quietBefore } ?? false
        let end = slice.range.upperBound
        if isQuiet, let dropBefore = limits.dropBefore, end <= dropBefore { return .drop }
        let isOld = limits.compressBefore.map { end <= $0 } ?? false
        let compress = limits.canCompress && isQuiet && isOld && slice.chunks.contains { !$0.isCompressed }
        let goal = tablespace(end: end, limits)
        let moves = goal != nil && slice.chunks.contains { $0.tablespace != goal }
        return .keep(compress: compress, moveTo: moves ? goal : nil)
    }

    private static func tablespace(end: Int64, _ limits: TableLimits) -> String? {
        if end > limits.hotAfter { return nil }
        if end > limits.warmAfter { return limits.warmTablespace }
        return limits.coldTablespace ?? limits.warmTablespace
    }

    private static func slices(_ chunks: [Chunk]) -> [Slice] {
        Dictionary(grouping: chunks, by: \.range)
            .map { Slice(range: $0.key, chunks: $0.value) }
            .sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// The chunk of this moment and those ahead, unless they are there.
    private static func missing(_ limits: TableLimits, _ chunks: [Chunk]) -> [Int64] {
        (0...limits.chunksAhead)
            .map { limits.now + Int64($0) * limits.width }
            .filter { time in !chunks.contains { $0.range.contains(time) } }
    }
}
