import Records

/// Why a row could not be written, and where.
struct RowFailure {
    var reason: Rejection.Reason
    var step: Int
    /// The field's index in its plan, -1 when no single field is to blame.
    var field: Int32
}

/// An entry as one plan sees it: the plan's fields by index.
struct RowSource: ~Escapable {
    let entry: Entry
    private let positions: Span<Int32>
    private let base: Int

    /// - Parameter layout: knows for each field of the plan the pair that holds it; the plan's part begins at `base`.
    @_lifetime(copy entry, borrow layout)
    @inline(__always)
    init(_ entry: Entry, _ layout: borrowing EntryLayout, base: Int) {
        self.entry = entry
        self.base = base
        positions = layout.positions.span
    }

    /// The pair that holds a field, or -1.
    @inline(__always)
    func pair(_ field: Int32) -> Int32 { positions[base &+ Int(field)] }

    @_lifetime(copy self)
    @inline(__always)
    func value(_ pair: Int32) -> ByteText {
        let slice = entry.valueSlice(Int(pair))
        return ByteText(entry.bytes.bytes, start: Int(slice.offset), count: Int(slice.length))
    }
}

/// Writes one row after the other: runs the steps of a plan over an entry.
struct RowWriter {
    var values: ValueEncoder
    private var now: Int64 = 0
    /// The time of the row written last, in microseconds since 1970; `nil` without a time column, or for NULL.
    private(set) var time: Int64?
    /// The field that the current step looks at, -1 for none.
    var field: Int32 = -1
    var document = JSONDocument()
    /// The pair that `document` was made from, -1 for none of this entry.
    var documentPair: Int32 = -1
    var streamName = ScratchText()
    /// For texts that have to be built: unescaped strings, an entry's id.
    var built = ScratchText()

    init(limits: CodecLimits) {
        values = ValueEncoder(limits: limits)
    }

    /// Starts a run of entries of one stream.
    mutating func begin(stream: StreamKey, now: Int64) {
        self.now = now
        streamName.removeAll()
        for byte in stream.bytes { streamName.append(byte) }
        streamName.finish()
    }

    /// Appends the entry's row, or part of it and the reason why not.
    @inline(never)
    mutating func write(
        _ entry: Entry, _ layout: borrowing EntryLayout, base: Int, _ program: PlanProgram, into out: inout CopyBuffer
    ) -> RowFailure? {
        let source = RowSource(entry, layout, base: base)
        time = nil
        documentPair = -1
        let steps = program.steps.span
        out.append16(UInt16(truncatingIfNeeded: steps.count))
        for index in steps.indices {
            let reason = write(index, steps[index], source, program, &out)
            if let reason { return RowFailure(reason: reason, step: index, field: field) }
        }
        return nil
    }

    /// The short way for a column that is a field's text; all others, and what goes wrong, take the long one.
    @inline(__always)
    private mutating func write(
        _ index: Int, _ step: PlanStep, _ source: RowSource, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        guard step.isPlain else { return writeInFull(index, source, program, &out) }
        field = step.firstField
        let pair = source.pair(field)
        if pair >= 0 {
            let text = source.value(pair)
            let isNull =
                step.nullText >= 0 && program.nullTexts[Int(step.nullText)].matches(text, in: program.pool.bytes)
            if !isNull { return encode(text, step, program, &out) }
        }
        guard step.endsAsNull else { return writeInFull(index, source, program, &out) }
        out.append32(-1)
        return nil
    }

    /// Writes a text that is final, and checks the time if it is the row's.
    @inline(__always)
    mutating func encode(
        _ text: ByteText, _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        let reason = values.encode(text, as: step.kind, into: &out)
        return step.isTimeColumn && reason == nil ? noteTime(program) : reason
    }

    /// Keeps the time just written as the row's, unless it lies outside the mapping's window.
    @inline(__always)
    mutating func noteTime(_ program: PlanProgram) -> Rejection.Reason? {
        time = values.time
        guard let window = program.window else { return nil }
        let latest = now.addingReportingOverflow(window.aheadMicroseconds)
        let isInside =
            values.time >= window.earliestMicroseconds && (latest.overflow || values.time <= latest.partialValue)
        return isInside ? nil : .timeWindow
    }
}
