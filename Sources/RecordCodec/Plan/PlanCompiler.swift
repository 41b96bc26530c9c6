/// Turns a mapping and the columns of its table into a ``PlanDraft``, or says what does not fit.
struct PlanCompiler {
    let mapping: StreamMapping
    let catalog: [CatalogColumn]
    private(set) var draft = PlanDraft()
    private(set) var columns: [String] = []
    private(set) var timeColumn: String?

    init(mapping: StreamMapping, catalog: [CatalogColumn]) {
        self.mapping = mapping
        self.catalog = catalog
    }

    mutating func compile() throws(PlanError) {
        try checkNames()
        for column in catalog {
            guard let source = mapping.columns.first(where: { $0.column == column.name }) else {
                if column.notNull && !column.hasDefault { throw error(.unfilled, column.name) }
                continue
            }
            try add(column, source)
        }
        try checkWindow()
        draft.window = mapping.timeWindow.map {
            PlanProgram.Window(
                earliestMicroseconds: $0.earliestMicroseconds, aheadMicroseconds: $0.aheadMicroseconds)
        }
        compileCondition()
    }

    // MARK: Checks

    private func checkNames() throws(PlanError) {
        guard !mapping.columns.isEmpty else { throw error(.nothingToFill, nil) }
        let known = catalog.map(\.name)
        let wanted = mapping.columns.map(\.column)
        for name in wanted + mapping.key + mapping.version + mapping.earliest where !known.contains(name) {
            throw error(.unknownColumn(nearest: NearestName.of(name, among: known)), name)
        }
        for (index, name) in wanted.enumerated() where wanted[..<index].contains(name) {
            throw error(.repeatedColumn, name)
        }
    }

    /// The standard window is a default, so a mapping without the column simply has no window.
    private func checkWindow() throws(PlanError) {
        guard let window = mapping.timeWindow, window.column != timeColumn, window != .standard else { return }
        throw error(.windowWithoutTime, window.column)
    }

    private func error(_ problem: PlanError.Problem, _ column: String?) -> PlanError {
        PlanError(mapping: mapping.name, table: mapping.table, column: column, problem: problem)
    }

    // MARK: Columns

    private mutating func add(_ column: CatalogColumn, _ source: ColumnMapping) throws(PlanError) {
        var step = PlanStep(kind: try kind(source, column))
        var detail = StepDetail()
        step.isNullable = !column.notNull
        step.isTimeColumn = step.kind.isTime && column.name == (mapping.timeWindow?.column ?? "time")
        if step.isTimeColumn { timeColumn = column.name }
        let target = Target(column: column, kind: step.kind)
        try addSource(source, target, &detail)
        try addFallback(source, target, &detail)
        try addTexts(source, target, &detail)
        if detail.source == .fields { step.firstField = draft.references[Int(detail.references.lower)] }
        step.isPlain =
            detail.source == .fields && detail.path.isEmpty && detail.lookups.isEmpty && source.nullTexts.count <= 1
        step.endsAsNull =
            step.isNullable && detail.source == .fields && detail.references.range.count == 1
            && detail.fallback == .none
        if source.nullTexts.count == 1 { step.nullText = Int32(detail.nullTexts.lower) }
        columns.append(column.name)
        draft.steps.append(step)
        draft.details.append(detail)
    }

    /// What a constant must fit.
    private struct Target {
        var column: CatalogColumn
        var kind: ValueKind
    }

    private mutating func addSource(
        _ source: ColumnMapping, _ target: Target, _ detail: inout StepDetail
    ) throws(PlanError) {
        let first = draft.references.count
        switch source.source {
        case .fields(let names):
            guard !names.isEmpty else { throw error(.nothingToFill, target.column.name) }
            for name in names { addReference(name, text: "") }
        case .present(let rules):
            guard !rules.isEmpty else { throw error(.nothingToFill, target.column.name) }
            detail.source = .present
            for rule in rules {
                try checkConstant(rule.text, target)
                addReference(rule.field, text: rule.text)
            }
        case .entryID: detail.source = try entrySource(.entryID, target.column)
        case .entryTime: detail.source = try entrySource(.entryTime, target.column)
        case .streamName: detail.source = .streamName
        case .constant(let text):
            detail.source = .constant
            try checkConstant(text, target)
            detail.constant = draft.pool.add(text)
        }
        detail.references = StepDetail.Slice(first..<draft.references.count)
    }

    private mutating func addFallback(
        _ source: ColumnMapping, _ target: Target, _ detail: inout StepDetail
    ) throws(PlanError) {
        switch source.fallback {
        case nil: break
        case .constant(let text):
            detail.fallback = .constant
            try checkConstant(text, target)
            detail.fallbackConstant = draft.pool.add(text)
        case .field(let name):
            detail.fallback = .fields
            detail.fallbackField = field(name)
        case .entryID: detail.fallback = try entrySource(.entryID, target.column)
        case .entryTime: detail.fallback = try entrySource(.entryTime, target.column)
        case .streamName: detail.fallback = .streamName
        }
    }

    /// Null texts, lookups and path steps.
    private mutating func addTexts(
        _ source: ColumnMapping, _ target: Target, _ detail: inout StepDetail
    ) throws(PlanError) {
        let firstNull = draft.nullTexts.count
        for text in source.nullTexts { draft.nullTexts.append(draft.pool.add(text)) }
        detail.nullTexts = StepDetail.Slice(firstNull..<draft.nullTexts.count)
        let firstLookup = draft.lookups.count
        for (text, value) in source.lookup.sorted(by: { $0.key < $1.key }) {
            try checkConstant(value, target)
            draft.lookups.append(.init(text: draft.pool.add(text), value: draft.pool.add(value)))
        }
        detail.lookups = StepDetail.Slice(firstLookup..<draft.lookups.count)
        detail.keepsOthers = source.lookupOthers
        let firstPath = draft.path.count
        for part in source.path {
            switch part {
            case .key(let name): draft.path.append(.key(draft.pool.add(name)))
            case .index(let index): draft.path.append(.index(Int32(clamping: index)))
            }
        }
        detail.path = StepDetail.Slice(firstPath..<draft.path.count)
    }

    private mutating func addReference(_ name: String, text: String) {
        draft.references.append(field(name))
        draft.ruleTexts.append(draft.pool.add(text))
    }

    /// The index of a field name, the same for the same name.
    private mutating func field(_ name: String) -> Int32 {
        if let known = draft.fieldNames.firstIndex(of: name) { return Int32(truncatingIfNeeded: known) }
        draft.fieldNames.append(name)
        draft.fields.append(draft.pool.add(name))
        return Int32(truncatingIfNeeded: draft.fields.count - 1)
    }

    private mutating func compileCondition() {
        switch mapping.condition {
        case nil: draft.condition = .always
        case .present(let name): draft.condition = .present(field: field(name))
        case .equals(let name, let value):
            draft.condition = .equals(field: field(name), value: draft.pool.add(value))
        }
    }

    // MARK: Values

    private func entrySource(
        _ source: StepDetail.Source, _ column: CatalogColumn
    ) throws(PlanError) -> StepDetail.Source {
        switch (source, column.type) {
        case (.entryID, .uuid), (.entryID, .text): return source
        case (.entryTime, .timestamptz), (.entryTime, .timestamp), (.entryTime, .date), (.entryTime, .int8):
            return source
        default:
            let name = source == .entryID ? "the entry's id" : "the entry's time"
            throw error(.sourceDoesNotFit(name, column.type), column.name)
        }
    }

    /// A text that stands in the configuration must fit its column; better to know at start than for every row.
    private func checkConstant(_ text: String, _ target: Target) throws(PlanError) {
        var pool = TextPool()
        let entry = pool.add(text)
        var values = ValueEncoder(limits: .standard)
        var out = CopyBuffer(capacity: 64)
        let reason = values.encode(entry.text(in: pool.bytes), as: target.kind, into: &out)
        if let reason { throw error(.badConstant(text, reason), target.column.name) }
    }

    private func kind(_ source: ColumnMapping, _ column: CatalogColumn) throws(PlanError) -> ValueKind {
        switch source.format {
        case .automatic:
            if case .array(let element, let oid) = column.type {
                return .array(of: try scalarKind(element, source, column), elementOID: oid)
            }
            return .scalar(try scalarKind(column.type, source, column))
        case .epochSeconds: return try timeKind(.seconds, source, column)
        case .epochMilliseconds: return try timeKind(.milliseconds, source, column)
        case .epochMicroseconds: return try timeKind(.microseconds, source, column)
        case .epochNanoseconds: return try timeKind(.nanoseconds, source, column)
        case .iso8601: return try timeKind(.iso8601, source, column)
        case .book, .bookOrderFirst:
            switch column.type {
            case .jsonb, .json, .text(nil):
                return .book(
                    BookShape(isBinaryJSON: column.type == .jsonb, orderFirst: source.format == .bookOrderFirst))
            default: throw error(.formatDoesNotFit(source.format, column.type), column.name)
            }
        }
    }

    private func timeKind(
        _ reading: TimeReading, _ source: ColumnMapping, _ column: CatalogColumn
    ) throws(PlanError) -> ValueKind {
        switch column.type {
        case .timestamptz, .timestamp: return .scalar(.time(reading, .timestamp))
        case .date: return .scalar(.time(reading, .date))
        case .int8: return .scalar(.time(reading, .milliseconds))
        default: throw error(.formatDoesNotFit(source.format, column.type), column.name)
        }
    }

    private func scalarKind(
        _ type: ColumnType, _ source: ColumnMapping, _ column: CatalogColumn
    ) throws(PlanError) -> ScalarKind {
        switch type {
        case .text(let length):
            let limit = min(length ?? .max, column.checkLength ?? .max)
            return .text(maxCharacters: Int32(clamping: limit))
        case .numeric(nil): return .numeric(.unlimited)
        case .numeric(let modifier?):
            return .numeric(
                NumericShape(
                    integerDigits: Int32(clamping: modifier.precision - modifier.scale),
                    scale: Int32(clamping: modifier.scale), rounds: source.rounds))
        case .int2: return .integer(.two, rounds: source.rounds)
        case .int4: return .integer(.four, rounds: source.rounds)
        case .int8: return .integer(.eight, rounds: source.rounds)
        case .float4: return .float4
        case .float8: return .float8
        case .bool: return .bool
        case .timestamptz, .timestamp: return .time(.automatic, .timestamp)
        case .date: return .time(.automatic, .date)
        case .jsonb: return .json(binary: true)
        case .json: return .json(binary: false)
        case .uuid: return .uuid
        case .bytea: return .bytea
        case .interval: return .interval
        case .array, .unsupported: throw error(.unsupportedType(type), column.name)
        }
    }
}
