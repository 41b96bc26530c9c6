/// A mapping, compiled: what to do for each column, in the order of the COPY.
///
/// Steps are plain data that point into the arrays beside them, so that running them touches no reference count.
struct PlanProgram: Sendable {
    let steps: [PlanStep]
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

/// How one column is filled.
struct PlanStep: Sendable {
    var kind: ValueKind
    /// For an array: what its elements are.
    var element = ArrayShape(element: .bool, elementOID: 0)
    var source = Source.fields
    var fallback = Source.none
    /// In `references` (and, for `present`, `ruleTexts`).
    var references = Slice.empty
    /// The constant of the source, or of the fallback.
    var constant = PoolText(offset: 0, count: 0, head: 0)
    /// The field of the fallback.
    var fallbackField: Int32 = -1
    var nullTexts = Slice.empty
    var lookups = Slice.empty
    var keepsOthers = false
    var path = Slice.empty
    var isNullable = true
    /// The column whose times are counted and held against the window.
    var isTimeColumn = false

    enum Source: UInt8, Sendable {
        case none, fields, present, entryID, entryTime, streamName, constant
    }

    /// A part of one of the program's arrays.
    struct Slice: Sendable {
        var lower: Int32
        var upper: Int32
        static let empty = Slice(lower: 0, upper: 0)

        @inline(__always) var isEmpty: Bool { lower == upper }
        @inline(__always) var range: Range<Int> { Int(lower)..<Int(upper) }

        init(lower: Int32, upper: Int32) {
            self.lower = lower
            self.upper = upper
        }

        init(_ range: Range<Int>) {
            lower = Int32(truncatingIfNeeded: range.lowerBound)
            upper = Int32(truncatingIfNeeded: range.upperBound)
        }
    }
}
