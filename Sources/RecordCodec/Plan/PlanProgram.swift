/// A mapping, compiled: what to do for each column, in the order of the COPY.
///
/// Steps are plain data that point into the arrays beside them, so that running them touches no reference count.
struct PlanProgram: Sendable {
    let steps: [PlanStep]
    /// Beside `steps`.
    let details: [StepDetail]
    /// The distinct field names the mapping reads; steps and conditions name them by index.
    let fields: [PoolText]
    /// Field indexes: those of a step's source, in order.
    let references: [Int32]
    /// Beside `references`: the text of a `present` rule.
    let ruleTexts: [PoolText]
    let nullTexts: [PoolText]
    let lookups: [LookupEntry]
    let path: [PathStep]
    let condition: Condition
    let window: Window?
    let pool: TextPool

    /// A program that does nothing, to stand where none was chosen yet.
    static let empty = PlanProgram(PlanDraft())

    init(_ draft: PlanDraft) {
        steps = draft.steps
        details = draft.details
        fields = draft.fields
        references = draft.references
        ruleTexts = draft.ruleTexts
        nullTexts = draft.nullTexts
        lookups = draft.lookups
        path = draft.path
        condition = draft.condition
        window = draft.window
        pool = draft.pool
    }

    struct LookupEntry: Sendable {
        var text: PoolText
        var value: PoolText
    }

    /// The times that are accepted in the time column.
    struct Window: Sendable {
        var earliestMicroseconds: Int64
        var aheadMicroseconds: Int64
    }

    enum PathStep: Sendable {
        case key(PoolText)
        case index(Int32)
    }

    enum Condition: Sendable {
        case always
        case present(field: Int32)
        case equals(field: Int32, value: PoolText)
    }
}

/// What is collected while a mapping is compiled.
struct PlanDraft {
    var steps: [PlanStep] = []
    var details: [StepDetail] = []
    var fields: [PoolText] = []
    var references: [Int32] = []
    var ruleTexts: [PoolText] = []
    var nullTexts: [PoolText] = []
    var lookups: [PlanProgram.LookupEntry] = []
    var path: [PlanProgram.PathStep] = []
    var condition = PlanProgram.Condition.always
    var window: PlanProgram.Window?
    var pool = TextPool()
    var fieldNames: [String] = []
}

/// How one column is filled: what every row needs. What only some columns have is in ``StepDetail``.
struct PlanStep: Sendable {
    var kind: ValueKind
    /// The first field of the source, -1 when the source is no field.
    var firstField: Int32 = -1
    /// The value may be NULL.
    var isNullable = true
    /// The column whose times are counted and held against the window.
    var isTimeColumn = false
    /// The first field's text is the value as it is, unless it is the null text: no path, no lookup.
    var isPlain = false
    /// Without a value it is NULL: a single field, nullable, no fallback.
    var endsAsNull = false
    /// The index of the column's only null text, -1 for none.
    var nullText: Int32 = -1
}

/// How one column is filled, in full.
struct StepDetail: Sendable {
    var source = Source.fields
    var fallback = Source.none
    /// In `references` (and, for `present`, `ruleTexts`).
    var references = Slice.empty
    /// When the source is a constant.
    var constant = PoolText.empty
    /// When the fallback is a constant, or a field.
    var fallbackConstant = PoolText.empty
    var fallbackField: Int32 = -1
    var nullTexts = Slice.empty
    var lookups = Slice.empty
    var keepsOthers = false
    var path = Slice.empty

    enum Source: UInt8, Sendable {
        case none, fields, present, entryID, entryTime, streamName, constant
    }

    /// A part of one of the program's arrays.
    struct Slice: Sendable {
        var lower: Int32
        var upper: Int32
        static let empty = Slice(0..<0)

        @inline(__always) var isEmpty: Bool { lower == upper }
        @inline(__always) var range: Range<Int> { Int(lower)..<Int(upper) }

        init(_ range: Range<Int>) {
            lower = Int32(truncatingIfNeeded: range.lowerBound)
            upper = Int32(truncatingIfNeeded: range.upperBound)
        }
    }
}
