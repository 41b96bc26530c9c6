import Records

extension JSONCursor {
    /// Passes one value, whatever it holds, down to `maxDepth` levels (at most 64); no recursion.
    ///
    /// Blanks before it must have been passed. Deeper values are `tooLarge`.
    @_lifetime(self: copy self)
    mutating func value(maxDepth: Int) -> Rejection.Reason? {
        var nest = JSONNest(maxDepth: min(maxDepth, 64))
        while true {
            var isOpen = false
            if let reason = begin(&nest, &isOpen) { return reason }
            if isOpen { continue }
            var isDone = false
            if let reason = afterValue(&nest, &isDone) { return reason }
            if isDone { return nil }
        }
    }

    /// Passes a scalar or an empty container, or opens a container: then the next value is awaited.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func begin(_ nest: inout JSONNest, _ isOpen: inout Bool) -> Rejection.Reason? {
        let opener = byte
        guard opener == UInt8(ascii: "{") || opener == UInt8(ascii: "[") else { return scalar() }
        let isObject = opener == UInt8(ascii: "{")
        index &+= 1
        guard nest.depth < nest.maxDepth else { return .tooLarge }
        skipBlanks()
        if take(isObject ? "}" : "]") { return nil }
        nest.push(isObject: isObject)
        isOpen = true
        return isObject ? memberName() : nil
    }

    /// Behind a value: passes commas and closing brackets, until the next value or the end of the outermost one.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func afterValue(_ nest: inout JSONNest, _ isDone: inout Bool) -> Rejection.Reason? {
        while nest.depth > 0 {
            skipBlanks()
            if take(",") {
                skipBlanks()
                return nest.isObject ? memberName() : nil
            }
            guard take(nest.isObject ? "}" : "]") else { return isAtEnd || byte != 0 ? .invalidJSON : .nulByte }
            nest.pop()
        }
        isDone = true
        return nil
    }

    /// Passes `"name" :` and the blanks around it.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func memberName() -> Rejection.Reason? {
        var part = StringPart()
        if let reason = string(&part) { return reason }
        skipBlanks()
        guard take(":") else { return .invalidJSON }
        skipBlanks()
        return nil
    }

    /// Passes a whole document: one value, blanks around it, nothing behind.
    @_lifetime(self: copy self)
    mutating func document(maxDepth: Int) -> Rejection.Reason? {
        skipBlanks()
        if let reason = value(maxDepth: maxDepth) { return reason }
        skipBlanks()
        return isAtEnd ? nil : byte == 0 ? .nulByte : .invalidJSON
    }
}

/// The containers that are open: a bit for each, set for objects.
struct JSONNest {
    let maxDepth: Int
    private(set) var depth = 0
    private var objects: UInt64 = 0

    init(maxDepth: Int) {
        self.maxDepth = maxDepth
    }

    /// Whether the innermost open container is an object.
    @inline(__always)
    var isObject: Bool { objects & 1 == 1 }

    @inline(__always)
    mutating func push(isObject: Bool) {
        objects = objects &<< 1 | (isObject ? 1 : 0)
        depth &+= 1
    }

    @inline(__always)
    mutating func pop() {
        objects &>>= 1
        depth &-= 1
    }
}
