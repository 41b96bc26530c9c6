import Records

/// The names of an entry's fields in their order, and what follows from them for each mapping of the stream.
///
/// Producers repeat their field order, so the names of the next entry are compared with the layout seen last; when
/// all are equal, every position, every absence, the mapping to take and repeated names are known without a search.
struct EntryLayout: Sendable {
    private var names: [PoolText] = []
    private var pool = TextPool()
    /// For each plan, in order: when it takes an entry of this layout.
    private(set) var choices: [Choice] = []
    /// The pair that holds each field of each plan, -1 for none; a plan's part begins at its choice's `base`.
    private(set) var positions: [Int32] = []

    struct Choice: Sendable {
        var rule: Rule
        /// Where the plan's fields begin in `positions`.
        var base: Int32
        /// A field that the mapping reads and the entry repeats; -1 when there is none.
        var repeatedField: Int32 = -1
    }

    enum Rule: Sendable {
        case never, always
        /// When the value of this pair equals the condition's text, which is kept in the layout's pool.
        case equal(pair: Int32, value: PoolText)
    }

    /// Whether the entry has exactly these names in this order.
    @inline(__always)
    func matches(_ entry: borrowing Entry) -> Bool {
        guard entry.pairCount == names.count, !choices.isEmpty else { return false }
        let known = names.span
        let bytes = entry.bytes.bytes
        let own = pool.bytes
        for pair in known.indices {
            let slice = entry.nameSlice(pair)
            if !known[pair].matches(bytes, start: Int(slice.offset), length: Int(slice.length), in: own) {
                return false
            }
        }
        return true
    }

    /// Learns the layout of an entry.
    mutating func learn(_ entry: borrowing Entry, _ programs: [PlanProgram]) {
        names.removeAll(keepingCapacity: true)
        pool.removeAll()
        choices.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        let bytes = entry.bytes.bytes
        for pair in 0..<entry.pairCount {
            let slice = entry.nameSlice(pair)
            names.append(pool.add(ByteText(bytes, start: Int(slice.offset), count: Int(slice.length))))
        }
        for program in programs { learn(program) }
    }

    private mutating func learn(_ program: PlanProgram) {
        var choice = Choice(rule: .always, base: Int32(truncatingIfNeeded: positions.count))
        let fields = program.pool.bytes
        for (index, field) in program.fields.enumerated() {
            let name = field.text(in: fields)
            var position: Int32 = -1
            for pair in names.indices where names[pair].matches(name, in: pool.bytes) {
                if position < 0 {
                    position = Int32(truncatingIfNeeded: pair)
                } else {
                    choice.repeatedField = Int32(truncatingIfNeeded: index)
                }
            }
            positions.append(position)
        }
        choice.rule = rule(program, choice.base)
        choices.append(choice)
    }

    private mutating func rule(_ program: PlanProgram, _ base: Int32) -> Rule {
        switch program.condition {
        case .always:
            return .always
        case .present(let field):
            return positions[Int(base + field)] >= 0 ? .always : .never
        case .equals(let field, let value):
            let pair = positions[Int(base + field)]
            if pair < 0 { return .never }
            return .equal(pair: pair, value: pool.add(value.text(in: program.pool.bytes)))
        }
    }

    /// The first plan that takes the entry, or -1.
    @inline(__always)
    func choose(_ entry: borrowing Entry) -> Int {
        let choices = choices.span
        for plan in choices.indices {
            switch choices[plan].rule {
            case .always: return plan
            case .never: continue
            case .equal(let pair, let value): if holds(value, entry, Int(pair)) { return plan }
            }
        }
        return -1
    }

    private func holds(_ value: PoolText, _ entry: borrowing Entry, _ pair: Int) -> Bool {
        let slice = entry.valueSlice(pair)
        let text = ByteText(entry.bytes.bytes, start: Int(slice.offset), count: Int(slice.length))
        return value.matches(text, in: pool.bytes)
    }
}
