import Records

/// Columns that are more than a field's text: several fields, null texts, lookups, paths, fallbacks, constants.
extension RowWriter {
    mutating func writeInFull(
        _ index: Int, _ source: RowSource, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        let step = program.steps[index]
        let detail = program.details[index]
        guard detail.source == .fields else {
            return writeGiven(detail.source, detail.constant, step, detail, source, program, &out)
        }
        var sawNull = false
        for reference in detail.references.range {
            field = program.references[reference]
            switch writeField(step, detail, source, program, &out) {
            case .written: return nil
            case .failed(let reason): return reason
            case .null: sawNull = true
            case .absent: break
            }
        }
        return writeFallback(step, detail, source, program, sawNull, &out)
    }

    // MARK: Fields

    private enum FieldOutcome {
        case written
        /// The field holds a null text.
        case null
        /// The field is not there, or the path leads nowhere.
        case absent
        case failed(Rejection.Reason)
    }

    /// Writes the value of ``field``.
    private mutating func writeField(
        _ step: PlanStep, _ detail: StepDetail, _ source: RowSource, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> FieldOutcome {
        let pair = source.pair(field)
        guard pair >= 0 else { return .absent }
        let text = source.value(pair)
        if detail.path.isEmpty { return writeText(text, step, detail, program, &out) }
        if RowWriter.isNull(text, detail, program) { return .null }
        return writePath(text, pair, step, detail, program, &out)
    }

    /// Writes a text, unless it stands for NULL, translated if the step says so.
    private mutating func writeText(
        _ text: ByteText, _ step: PlanStep, _ detail: StepDetail, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> FieldOutcome {
        if RowWriter.isNull(text, detail, program) { return .null }
        let reason: Rejection.Reason?
        if detail.lookups.isEmpty {
            reason = encode(text, step, program, &out)
        } else {
            reason = encodeLookup(text, step, detail, program, &out)
        }
        return reason.map { .failed($0) } ?? .written
    }

    private static func isNull(_ text: ByteText, _ detail: StepDetail, _ program: PlanProgram) -> Bool {
        for index in detail.nullTexts.range where program.nullTexts[index].matches(text, in: program.pool.bytes) {
            return true
        }
        return false
    }

    private mutating func encodeLookup(
        _ text: ByteText, _ step: PlanStep, _ detail: StepDetail, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        for index in detail.lookups.range where program.lookups[index].text.matches(text, in: program.pool.bytes) {
            return encode(program.lookups[index].value.text(in: program.pool.bytes), step, program, &out)
        }
        return detail.keepsOthers ? encode(text, step, program, &out) : .unknownLookup
    }

    // MARK: Paths

    private mutating func writePath(
        _ text: ByteText, _ pair: Int32, _ step: PlanStep, _ detail: StepDetail, _ program: PlanProgram,
        _ out: inout CopyBuffer
    ) -> FieldOutcome {
        if documentPair != pair {
            if text.count > values.limits.maxValueBytes { return .failed(.tooLarge) }
            if let reason = document.read(text, maxDepth: values.limits.maxJSONDepth) { return .failed(reason) }
            documentPair = pair
        }
        guard let range = document.find(detail.path, program, in: text) else { return .absent }
        let found = text.slice(range.lowerBound, range.upperBound)
        if found[0] == UInt8(ascii: "n") { return .null }
        // A JSON column takes a string with its quotes, all others take what is inside.
        if found[0] != UInt8(ascii: "\"") || step.kind.isJSON { return writeText(found, step, detail, program, &out) }
        let inside = found.slice(1, found.count - 1)
        guard inside.contains(UInt8(ascii: "\\")) else { return writeText(inside, step, detail, program, &out) }
        var unescaped = ScratchText()
        swap(&unescaped, &built)
        unescaped.removeAll()
        unescaped.appendUnescaped(inside)
        unescaped.finish()
        let outcome = writeText(unescaped.text, step, detail, program, &out)
        swap(&unescaped, &built)
        return outcome
    }

    // MARK: What is not a field

    /// No field had a value: the fallback, NULL, or a rejection.
    private mutating func writeFallback(
        _ step: PlanStep, _ detail: StepDetail, _ source: RowSource, _ program: PlanProgram, _ sawNull: Bool,
        _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var sawNull = sawNull
        switch detail.fallback {
        case .none: break
        case .fields:
            field = detail.fallbackField
            switch writeField(step, detail, source, program, &out) {
            case .written: return nil
            case .failed(let reason): return reason
            case .null: sawNull = true
            case .absent: break
            }
        case .present, .entryID, .entryTime, .streamName, .constant:
            return writeGiven(detail.fallback, detail.fallbackConstant, step, detail, source, program, &out)
        }
        return writeMissing(step, sawNull, &out)
    }

    private mutating func writeMissing(
        _ step: PlanStep, _ sawNull: Bool, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        if step.isNullable {
            out.append32(-1)
            return nil
        }
        // The first field the mapping names is the one people look for.
        field = step.firstField
        return sawNull ? .nullValue : .missingField
    }

    /// A value that does not come from a field's text.
    private mutating func writeGiven(
        _ given: StepDetail.Source, _ constant: PoolText, _ step: PlanStep, _ detail: StepDetail, _ source: RowSource,
        _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        field = -1
        switch given {
        case .constant: return encode(constant.text(in: program.pool.bytes), step, program, &out)
        case .streamName: return writeStreamName(step, detail, program, &out)
        case .entryID: return writeID(source.entry.id, step, &out)
        case .entryTime:
            let reason = values.encodeEntryTime(source.entry.id, as: step.kind, into: &out)
            return step.isTimeColumn && reason == nil ? noteTime(program) : reason
        case .present:
            for rule in detail.references.range where source.pair(program.references[rule]) >= 0 {
                return encode(program.ruleTexts[rule].text(in: program.pool.bytes), step, program, &out)
            }
            return writeFallback(step, detail, source, program, false, &out)
        case .none, .fields: return writeMissing(step, false, &out)
        }
    }

    private mutating func writeStreamName(
        _ step: PlanStep, _ detail: StepDetail, _ program: PlanProgram, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var name = ScratchText()
        swap(&name, &streamName)
        let isLookedUp = !detail.lookups.isEmpty
        let reason =
            isLookedUp ? encodeLookup(name.text, step, detail, program, &out) : encode(name.text, step, program, &out)
        swap(&name, &streamName)
        return reason
    }

    private mutating func writeID(_ id: StreamID, _ step: PlanStep, _ out: inout CopyBuffer) -> Rejection.Reason? {
        guard case .scalar(.text(let maxCharacters)) = step.kind else {
            UUIDValue.append(id, &out)
            return nil
        }
        built.removeAll()
        built.append(id)
        built.finish()
        return TextValue.encode(built.text, maxCharacters: maxCharacters, into: &out)
    }
}

extension ValueKind {
    var isJSON: Bool {
        if case .scalar(.json) = self { return true }
        return false
    }
}
