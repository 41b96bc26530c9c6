import Records

/// Why a row could not be written, and where.
struct RowFailure {
    var reason: Rejection.Reason
    var step: Int
    /// The field's index in its plan, -1 when no single field is to blame.
    var field: Int32
}

/// Writes one row after the other: runs the steps of a plan over an entry.
struct RowWriter {
    private var values: ValueEncoder
    private var streamName = ScratchText()
    private(set) var now: Int64 = 0
    /// The time of the row written last, in microseconds since 1970; `nil` without a time column, or for NULL.
    private(set) var time: Int64?
    private var document = JSONDocument()
    /// The pair that `document` was made from, -1 for none of this entry.
    private var documentPair: Int32 = -1
    /// For texts that have to be built: unescaped strings, an entry's id.
    private var built = ScratchText()
    /// The field that the current step looked at.
    private var field: Int32 = -1

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
    /// - Parameters:
    ///   - layout: knows for each field of the plan the pair that holds it; the plan's part begins at `base`.
    @inline(__always)
    mutating func write(
        _ entry: borrowing Entry, _ program: PlanProgram, _ layout: borrowing EntryLayout, _ base: Int,
        into out: inout CopyBuffer
    ) -> RowFailure? {
        time = nil
        documentPair = -1
        let steps = program.steps.span
        let positions = layout.positions.span
        out.append16(UInt16(truncatingIfNeeded: steps.count))
        for index in steps.indices {
            field = -1
            if let reason = write(steps[index], entry, program, positions, base, &out) {
                return RowFailure(reason: reason, step: index, field: field)
            }
        }
        return nil
    }

    @inline(__always)
    private mutating func write(
        _ step: PlanStep, _ entry: borrowing Entry, _ program: PlanProgram, _ positions: Span<Int32>, _ base: Int,
        _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        guard step.source == .fields else {
            return writeGiven(step.source, step, entry, program, positions, base, &out)
        }
        var sawNull = false
        for reference in step.references.range {
            let candidate = program.references[reference]
            let pair = positions[base &+ Int(candidate)]
            if pair < 0 { continue }
            field = candidate
            switch writeField(pair, step, entry, program, &out) {
            case .written: return nil
            case .failed(let reason): return reason
            case .null: sawNull = true
            case .absent: break
            }
        }
        return writeFallback(step, entry, program, positions, base, sawNull, &out)
    }

    // MARK: Fields

    enum FieldOutcome {
        case written
        /// The field holds a null text.
        case null
        /// The path leads nowhere.
        case absent
        case failed(Rejection.Reason)

        @inline(__always)
        init(_ reason: Rejection.Reason?) {
            self = reason.map { .failed($0) } ?? .written
        }
    }

    @inline(__always)
    private mutating func writeField(
        _ pair: Int32, _ step: PlanStep, _ entry: borrowing Entry, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> FieldOutcome {
        let slice = entry.valueSlice(Int(pair))
        let text = ByteText(entry.bytes.bytes, start: Int(slice.offset), count: Int(slice.length))
        if !step.nullTexts.isEmpty, RowWriter.isNull(text, step, program) { return .null }
        if !step.path.isEmpty { return writePath(text, pair, step, program, &out) }
        return FieldOutcome(encode(text, step, program, &out))
    }

    private static func isNull(_ text: ByteText, _ step: PlanStep, _ program: PlanProgram) -> Bool {
        for index in step.nullTexts.range where program.nullTexts[index].matches(text, in: program.pool.bytes) {
            return true
        }
        return false
    }

    /// Translates the text if the step says so, writes it, and checks the time if it is the row's.
    @inline(__always)
    private mutating func encode(
        _ text: ByteText, _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        if !step.lookups.isEmpty { return encodeLookup(text, step, program, &out) }
        let reason = values.encode(text, as: step.kind, element: step.element, into: &out)
        return step.isTimeColumn && reason == nil ? noteTime(program) : reason
    }

    private mutating func encodeLookup(
        _ text: ByteText, _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        for index in step.lookups.range where program.lookups[index].text.matches(text, in: program.pool.bytes) {
            return encodePlain(program.lookups[index].value.text(in: program.pool.bytes), step, program, &out)
        }
        return step.keepsOthers ? encodePlain(text, step, program, &out) : .unknownLookup
    }

    /// Writes a text that is final.
    private mutating func encodePlain(
        _ text: ByteText, _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        let reason = values.encode(text, as: step.kind, element: step.element, into: &out)
        return step.isTimeColumn && reason == nil ? noteTime(program) : reason
    }

    /// Keeps the time just written as the row's, unless it lies outside the mapping's window.
    @inline(__always)
    private mutating func noteTime(_ program: PlanProgram) -> Rejection.Reason? {
        time = values.time
        guard let window = program.window else { return nil }
        let latest = now.addingReportingOverflow(window.aheadMicroseconds)
        let isInside =
            values.time >= window.earliestMicroseconds && (latest.overflow || values.time <= latest.partialValue)
        return isInside ? nil : .timeWindow
    }

    // MARK: Paths

    private mutating func writePath(
        _ text: ByteText, _ pair: Int32, _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> FieldOutcome {
        if documentPair != pair {
            if text.count > values.limits.maxValueBytes { return .failed(.tooLarge) }
            if let reason = document.read(text, maxDepth: values.limits.maxJSONDepth) { return .failed(reason) }
            documentPair = pair
        }
        guard let range = document.find(step.path, program, in: text) else { return .absent }
        let found = text.slice(range.lowerBound, range.upperBound)
        if found[0] == UInt8(ascii: "n") { return .null }
        var isJSON = false
        if case .json = step.kind { isJSON = true }
        guard found[0] == UInt8(ascii: "\""), !isJSON else { return writeFound(found, step, program, &out) }
        let inside = found.slice(1, found.count - 1)
        guard inside.contains(UInt8(ascii: "\\")) else { return writeFound(inside, step, program, &out) }
        var scratch = ScratchText()
        swap(&scratch, &built)
        scratch.removeAll()
        scratch.appendUnescaped(inside)
        scratch.finish()
        let outcome = writeFound(scratch.text, step, program, &out)
        swap(&scratch, &built)
        return outcome
    }

    private mutating func writeFound(
        _ text: ByteText, _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> FieldOutcome {
        if !step.nullTexts.isEmpty, RowWriter.isNull(text, step, program) { return .null }
        return FieldOutcome(encode(text, step, program, &out))
    }

    // MARK: What is not a field

    /// No field had a value: the fallback, NULL, or a rejection.
    private mutating func writeFallback(
        _ step: PlanStep, _ entry: borrowing Entry, _ program: PlanProgram, _ positions: Span<Int32>, _ base: Int,
        _ sawNull: Bool, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var sawNull = sawNull
        switch step.fallback {
        case .none: break
        case .fields:
            let pair = positions[base + Int(step.fallbackField)]
            if pair < 0 { break }
            field = step.fallbackField
            switch writeField(pair, step, entry, program, &out) {
            case .written: return nil
            case .failed(let reason): return reason
            case .null: sawNull = true
            case .absent: break
            }
        case .present, .entryID, .entryTime, .streamName, .constant:
            field = -1
            return writeGiven(step.fallback, step, entry, program, positions, base, &out)
        }
        return writeMissing(step, program, sawNull, &out)
    }

    private mutating func writeMissing(
        _ step: PlanStep, _ program: PlanProgram, _ sawNull: Bool, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        if step.isNullable {
            out.append32(-1)
            return nil
        }
        // The first field the mapping names is the one people look for.
        if field < 0, !step.references.isEmpty { field = program.references[Int(step.references.lower)] }
        return sawNull ? .nullValue : .missingField
    }

    /// A value that does not come from a field's text.
    private mutating func writeGiven(
        _ source: PlanStep.Source, _ step: PlanStep, _ entry: borrowing Entry, _ program: PlanProgram,
        _ positions: Span<Int32>, _ base: Int, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        switch source {
        case .constant: return encodePlain(step.constant.text(in: program.pool.bytes), step, program, &out)
        case .streamName: return writeStreamName(step, program, &out)
        case .entryID: return writeID(entry.id, step, &out)
        case .entryTime:
            let reason = values.encodeEntryTime(entry.id, as: step.kind, into: &out)
            return step.isTimeColumn && reason == nil ? noteTime(program) : reason
        case .present:
            for rule in step.references.range where positions[base + Int(program.references[rule])] >= 0 {
                return encodePlain(program.ruleTexts[rule].text(in: program.pool.bytes), step, program, &out)
            }
            return writeFallback(step, entry, program, positions, base, false, &out)
        case .none, .fields: return writeMissing(step, program, false, &out)
        }
    }

    private mutating func writeStreamName(
        _ step: PlanStep, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var name = ScratchText()
        swap(&name, &streamName)
        let reason = encode(name.text, step, program, &out)
        swap(&name, &streamName)
        return reason
    }

    private mutating func writeID(_ id: StreamID, _ step: PlanStep, _ out: inout CopyBuffer) -> Rejection.Reason? {
        guard case .text(let maxCharacters) = step.kind else {
            UUIDValue.append(id, &out)
            return nil
        }
        built.removeAll()
        built.append(id)
        built.finish()
        return TextValue.encode(built.text, maxCharacters: maxCharacters, into: &out)
    }
}
