/// Checks an object or an array value by value, with a stack instead of recursion.
struct JSONNesting {
    private enum Container {
        case object, array
    }

    private var open: [Container] = []
    private var isFirst = true
    private(set) var isComplete = false

    /// Consumes one bracket, or one scalar with what belongs in front of it.
    mutating func step(_ scanner: inout JSONScanner) throws(ReadFailure) {
        if let container = open.last {
            if try close(container, &scanner) { return }
            if !isFirst { try scanner.expect(",") }
            if container == .object {
                _ = try scanner.string()
                try scanner.expect(":")
            }
        }
        isFirst = false
        switch scanner.peek() {
        case UInt8(ascii: "{"): try push(.object, "{", &scanner)
        case UInt8(ascii: "["): try push(.array, "[", &scanner)
        case UInt8(ascii: "\""): _ = try scanner.string()
        default: _ = try scanner.literal()
        }
    }

    private mutating func push(
        _ container: Container, _ bracket: Character, _ scanner: inout JSONScanner
    ) throws(ReadFailure) {
        guard open.count < JSONScanner.maximumDepth else {
            throw scanner.failure("nested deeper than \(JSONScanner.maximumDepth)")
        }
        try scanner.expect(bracket)
        open.append(container)
        isFirst = true
    }

    private mutating func close(_ container: Container, _ scanner: inout JSONScanner) throws(ReadFailure) -> Bool {
        guard scanner.skip(container == .object ? "}" : "]") else { return false }
        open.removeLast()
        isFirst = false
        isComplete = open.isEmpty
        return true
    }
}
