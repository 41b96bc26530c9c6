import Records

/// The outermost level of a JSON document: where its members or elements lie.
///
/// It is made once for an entry's field, in one strict pass over the whole text; all columns that read a path of the
/// field then find their value without passing the rest again. The first of repeated names counts.
struct JSONDocument {
    /// A member or element, as offsets into the text.
    struct Child {
        var name = JSONCursor.StringPart()
        var lower = 0
        var upper = 0
    }

    private var children: [Child] = []
    private var isObject = false
    /// What is kept of a container with more children: those beyond are looked up by walking.
    private static let keptChildren = 256

    /// Reads the text; `nil` or why it is no JSON.
    mutating func read(_ text: ByteText, maxDepth: Int) -> Rejection.Reason? {
        children.removeAll(keepingCapacity: true)
        var cursor = JSONCursor(text)
        cursor.skipBlanks()
        isObject = cursor.byte == UInt8(ascii: "{")
        guard isObject || cursor.byte == UInt8(ascii: "[") else { return cursor.document(maxDepth: maxDepth) }
        var walk = JSONWalk(cursor, maxDepth: maxDepth)
        var child = Child()
        while true {
            if let reason = walk.next(&child) { return reason }
            if walk.isDone { break }
            if children.count < JSONDocument.keptChildren { children.append(child) }
        }
        return walk.end()
    }

    /// The value at a path, as a range of the text; `nil` when there is none.
    func find(_ path: StepDetail.Slice, _ program: PlanProgram, in text: ByteText) -> Range<Int>? {
        var range = 0..<text.count
        for (level, index) in path.range.enumerated() {
            let step = program.path[index]
            let isKnown = level == 0 && children.count < JSONDocument.keptChildren
            let next =
                isKnown
                ? child(step, program, text) : walk(step, program, text.slice(range.lowerBound, range.upperBound))
            guard let next else { return nil }
            range = (range.lowerBound + next.lowerBound)..<(range.lowerBound + next.upperBound)
        }
        return range
    }

    private func child(_ step: PlanProgram.PathStep, _ program: PlanProgram, _ text: ByteText) -> Range<Int>? {
        switch step {
        case .key(let key):
            guard isObject else { return nil }
            let child = children.first { child in
                JSONDocument.isName(child.name, key, program, text)
            }
            return child.map { $0.lower..<$0.upper }
        case .index(let index):
            guard !isObject, index >= 0, Int(index) < children.count else { return nil }
            return children[Int(index)].lower..<children[Int(index)].upper
        }
    }

    /// Looks a child up in a text that is known to be valid.
    private func walk(_ step: PlanProgram.PathStep, _ program: PlanProgram, _ text: ByteText) -> Range<Int>? {
        var cursor = JSONCursor(text)
        cursor.skipBlanks()
        let opener = cursor.byte
        var walk = JSONWalk(cursor, maxDepth: 64)
        var child = Child()
        var position: Int32 = 0
        while true {
            switch step {
            case .key: guard opener == UInt8(ascii: "{") else { return nil }
            case .index: guard opener == UInt8(ascii: "[") else { return nil }
            }
            guard walk.next(&child) == nil, !walk.isDone else { return nil }
            switch step {
            case .key(let key):
                if JSONDocument.isName(child.name, key, program, text) { return child.lower..<child.upper }
            case .index(let index):
                if index == position { return child.lower..<child.upper }
            }
            position += 1
        }
    }

    private static func isName(
        _ name: JSONCursor.StringPart, _ key: PoolText, _ program: PlanProgram, _ text: ByteText
    ) -> Bool {
        let raw = text.slice(name.lower, name.upper)
        guard name.hasEscape else { return key.matches(raw, in: program.pool.bytes) }
        var scratch = ScratchText()
        scratch.appendUnescaped(raw)
        scratch.finish()
        return key.matches(scratch.text, in: program.pool.bytes)
    }
}

/// Goes from child to child of one object or array.
struct JSONWalk: ~Escapable {
    private(set) var cursor: JSONCursor
    private(set) var isDone = false
    private let isObject: Bool
    private let maxDepth: Int
    private var isFirst = true

    /// - Parameter cursor: stands on the opening bracket.
    @_lifetime(copy cursor)
    init(_ cursor: JSONCursor, maxDepth: Int) {
        isObject = cursor.byte == UInt8(ascii: "{")
        self.cursor = cursor
        self.maxDepth = maxDepth
        self.cursor.index += 1
    }

    /// Passes the next child, or the closing bracket: then ``isDone``.
    @_lifetime(self: copy self)
    mutating func next(_ child: inout JSONDocument.Child) -> Rejection.Reason? {
        cursor.skipBlanks()
        let closes = cursor.take(isObject ? "}" : "]")
        if closes {
            isDone = true
            return nil
        }
        if !isFirst {
            guard cursor.take(",") else { return .invalidJSON }
            cursor.skipBlanks()
        }
        isFirst = false
        if isObject, let reason = name(&child.name) { return reason }
        child.lower = cursor.index
        let reason = cursor.value(maxDepth: maxDepth - 1)
        child.upper = cursor.index
        return reason
    }

    @_lifetime(self: copy self)
    private mutating func name(_ part: inout JSONCursor.StringPart) -> Rejection.Reason? {
        if let reason = cursor.string(&part) { return reason }
        cursor.skipBlanks()
        guard cursor.take(":") else { return .invalidJSON }
        cursor.skipBlanks()
        return nil
    }

    /// Whether only blanks follow.
    @_lifetime(self: copy self)
    mutating func end() -> Rejection.Reason? {
        cursor.skipBlanks()
        return cursor.isAtEnd ? nil : .invalidJSON
    }
}
