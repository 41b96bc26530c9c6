public import Records

/// Turns entries of one stream, or of streams with the same mappings, into rows.
///
/// One call encodes a whole run of entries. The encoder remembers field orders, so keep it; it belongs to one thread
/// at a time, and a copy of it is independent.
public struct StreamEncoder: Sendable {
    /// In order: the first whose condition holds takes an entry.
    public let plans: [RowPlan]
    public let limits: CodecLimits

    private let programs: [PlanProgram]
    private let outputs: [Int]
    private var layout = EntryLayout()
    private var otherLayouts: [EntryLayout] = [EntryLayout(), EntryLayout(), EntryLayout()]
    private var nextVictim = 0
    private var row: RowWriter

    /// Makes an encoder.
    /// - Parameters:
    ///   - plans: the stream's mappings, in the order of the configuration.
    ///   - outputs: for each plan, the index of the batch that its rows go to; by default each plan has its own.
    /// - Throws: ``PlanError`` when plans share a batch but differ in table or columns.
    public init(
        plans: [RowPlan], outputs: [Int]? = nil, limits: CodecLimits = .standard
    ) throws(PlanError) {
        let outputs = outputs ?? Array(plans.indices)
        precondition(outputs.count == plans.count, "one output for each plan")
        for (index, plan) in plans.enumerated() {
            guard let first = outputs[..<index].firstIndex(of: outputs[index]) else { continue }
            try plan.checkSharing(with: plans[first])
        }
        self.plans = plans
        self.limits = limits
        self.outputs = outputs
        programs = plans.map(\.program)
        row = RowWriter(limits: limits)
    }

    /// Encodes entries of a block into rows, in order.
    ///
    /// Every entry of the run that is not skipped ends as a row of one batch or as a rejection; a rejected entry leaves
    /// no byte in any batch. Encoding stops early only before a row whose time falls on one day too many for its
    /// batch (``CodecLimits/maxDistinctDays``): seal the batch, and go on with the rest of the run in the next.
    /// - Parameters:
    ///   - run: indexes of the entries, all of one stream.
    ///   - stream: the key of that stream.
    ///   - now: the worker's clock, in microseconds since 1970, for the time window.
    ///   - skipped: indexes to leave out, ascending.
    ///   - batches: the batches that ``init(plans:outputs:limits:)`` names by index.
    ///   - rejected: entries that cannot be rows are appended here, ascending.
    /// - Returns: the index of the first entry that was not looked at: `run.upperBound` unless it stopped early.
    public mutating func encode(
        _ run: Range<Int>, of block: borrowing EntryBlock, stream: StreamKey, now: Int64, skipping skipped: [Int] = [],
        into batches: [TableRows], rejected: inout [RejectedEntry]
    ) -> Int {
        row.begin(stream: stream, now: now)
        var target = RunTarget()
        defer { target.release() }
        var nextSkip = skipped.firstIndex { $0 >= run.lowerBound } ?? skipped.count
        for index in run {
            if nextSkip < skipped.count, skipped[nextSkip] == index {
                nextSkip += 1
                continue
            }
            switch encode(index, of: block, into: batches, &target) {
            case .row: break
            case .rejected(let rejection): rejected.append(RejectedEntry(index: index, rejection: rejection))
            case .batchIsFull: return index
            }
        }
        return run.upperBound
    }

    private enum Outcome {
        case row
        case rejected(Rejection)
        case batchIsFull
    }

    @inline(__always)
    private mutating func encode(
        _ index: Int, of block: borrowing EntryBlock, into batches: [TableRows], _ target: inout RunTarget
    ) -> Outcome {
        let entry = block.entry(index)
        // An entry without pairs was deleted, or was too large to keep: Redis accepts none without a field.
        guard entry.pairCount > 0 else { return .rejected(StreamEncoder.emptyRejection(block.record(index).body)) }
        let last = entry.valueSlice(entry.pairCount - 1).range.upperBound
        if last - Int(entry.nameSlice(0).offset) > limits.maxEntryBytes { return .rejected(Rejection(.tooLarge)) }
        if entry.pairCount > limits.maxFields { return .rejected(Rejection(.tooManyFields)) }
        if !layout.matches(entry) { findLayout(entry) }
        let plan = layout.choose(entry)
        guard plan >= 0 else { return .rejected(Rejection(.noMapping)) }
        let choice = layout.choices[plan]
        if choice.repeatedField >= 0 {
            let field = plans[plan].fieldNames[Int(choice.repeatedField)]
            return .rejected(Rejection(.duplicateField, field: field, table: plans[plan].table))
        }
        if target.plan != plan { target.aim(at: plan, programs[plan], batches[outputs[plan]]) }
        return write(entry, index, Int(choice.base), &target)
    }

    private static func emptyRejection(_ body: EntryBlock.Body) -> Rejection {
        switch body {
        case .deleted: Rejection(.deleted)
        case .skipped: Rejection(.tooLarge)
        case .kept: Rejection(.noMapping)
        }
    }

    @inline(__always)
    private mutating func write(
        _ entry: Entry, _ index: Int, _ base: Int, _ target: inout RunTarget
    ) -> Outcome {
        let start = target.contents.buffer.count
        if let failure = row.write(entry, layout, base: base, target.program, into: &target.contents.buffer) {
            target.contents.buffer.truncate(to: start)
            return .rejected(StreamEncoder.rejection(failure, plans[target.plan]))
        }
        if let time = row.time, target.contents.exceedsDays(time, limit: limits.maxDistinctDays) {
            target.contents.buffer.truncate(to: start)
            return .batchIsFull
        }
        target.contents.commitRow(start: start, entry: index, time: row.time)
        return .row
    }

    private static func rejection(_ failure: RowFailure, _ plan: RowPlan) -> Rejection {
        Rejection(
            failure.reason, field: failure.field >= 0 ? plan.fieldNames[Int(failure.field)] : nil,
            column: plan.columns[failure.step], table: plan.table)
    }

    // MARK: Layouts and mappings

    /// Looks for the entry's layout among those seen before, and learns it when it is new.
    private mutating func findLayout(_ entry: borrowing Entry) {
        for index in otherLayouts.indices where otherLayouts[index].matches(entry) {
            swap(&layout, &otherLayouts[index])
            return
        }
        swap(&layout, &otherLayouts[nextVictim])
        nextVictim = (nextVictim + 1) % otherLayouts.count
        layout.learn(entry, programs)
    }
}

/// The plan that took the last entry, and the batch its rows go to. Neighbours mostly share both.
private struct RunTarget: ~Copyable {
    private(set) var plan = -1
    private(set) var program = PlanProgram.empty
    /// The batch's contents while it is aimed at.
    var contents = RowContents()
    private var batch: TableRows?

    /// Turns to another plan, and to its batch if that is another too.
    mutating func aim(at plan: Int, _ program: PlanProgram, _ batch: TableRows) {
        self.plan = plan
        self.program = program
        guard self.batch !== batch else { return }
        release()
        self.batch = batch
        swap(&contents, &batch.contents)
    }

    /// Gives the contents back to the batch.
    mutating func release() {
        guard let batch else { return }
        swap(&contents, &batch.contents)
        self.batch = nil
    }
}
