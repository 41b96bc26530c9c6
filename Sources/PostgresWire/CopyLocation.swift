/// The place in a COPY that an error names: `COPY trades, line 3, column price: "x"`.
public struct CopyLocation: Equatable, Sendable {
    public var table: String
    /// Counted from 1.
    public var line: Int
    public var column: String?

    /// Reads the first line of a server's context that begins with `COPY`; `nil` when there is none.
    public init?(context: String) {
        for line in context.split(separator: "\n") {
            guard let location = Self(contextLine: line) else { continue }
            self = location
            return
        }
        return nil
    }

    private init?(contextLine text: Substring) {
        guard text.hasPrefix("COPY ") else { return nil }
        let rest = text.dropFirst(5)
        // A table's name may itself hold `, line `: the last one before the value's colon cannot be told apart
        // from a value's text, so the first one that is followed by digits is taken.
        for comma in rest.indices where rest[comma...].hasPrefix(", line ") {
            let digits = rest[comma...].dropFirst(7).prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(digits) else { continue }
            table = String(rest[..<comma])
            line = number
            let tail = rest[digits.endIndex...]
            column = tail.hasPrefix(", column ") ? Self.columnName(tail.dropFirst(9)) : nil
            return
        }
        return nil
    }

    /// The name ends where the value begins, or at the end of the line.
    private static func columnName(_ text: Substring) -> String {
        for index in text.indices where text[index] == ":" {
            let after = text[index...]
            if after.hasPrefix(": \"") || after.hasPrefix(": null input") { return String(text[..<index]) }
        }
        return String(text)
    }
}
