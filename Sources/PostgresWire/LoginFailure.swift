/// libpq's text for a session that could not be opened, taken apart.
///
/// libpq keeps no fields for this error. In its verbose form the text reads
/// `connection to server … failed: FATAL:  28P01: password authentication failed …`, with a line `LOCATION: …`.
struct LoginFailure: Equatable {
    /// The text without the code and without the place in the server's source.
    var message: String
    /// The code of the last server that answered; `nil` when none did.
    var sqlState: SQLState?

    init(words: String) {
        var lines: [String] = []
        for line in words.split(separator: "\n") where !line.hasPrefix("LOCATION:") {
            guard let code = Self.code(in: line) else {
                lines.append(String(line))
                continue
            }
            sqlState = code.state
            lines.append(line[..<code.place.lowerBound] + String(line[code.place.upperBound...]))
        }
        message = lines.joined(separator: "; ")
    }

    /// The severity's colon is followed by two spaces, the code and another colon, in every language.
    private static func code(in line: Substring) -> (state: SQLState, place: Range<Substring.Index>)? {
        for start in line.indices where line[start...].hasPrefix(":  ") {
            let rest = line[start...].dropFirst(3)
            guard let state = SQLState(String(rest.prefix(5))), rest.dropFirst(5).hasPrefix(": ") else { continue }
            return (state, rest.startIndex..<rest.dropFirst(7).startIndex)
        }
        return nil
    }
}
