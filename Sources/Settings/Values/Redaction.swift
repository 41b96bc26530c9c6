/// Takes secrets out of texts that people will see.
public enum Redaction {
    /// A URL or a libpq connection string without its password: of `user:password@` and of `password=…`.
    public static func url(_ text: String) -> String {
        redactParameters(redactUserInfo(text))
    }

    private static func redactUserInfo(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let authority = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            // A password with a slash in it is not valid, but must not be shown either.
            return text.contains("@") && !authority.contains("@") ? redactToLastAt(text, from: scheme.upperBound) : text
        }
        return text[...colon] + Secret.redacted + text[at...]
    }

    private static func redactToLastAt(_ text: String, from start: String.Index) -> String {
        guard let at = text.lastIndex(of: "@"), let colon = text[start..<at].firstIndex(of: ":") else { return text }
        return text[...colon] + Secret.redacted + text[at...]
    }

    private static func redactParameters(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "password") {
            var index = found.upperBound
            while index < rest.endIndex, rest[index] == " " { index = rest.index(after: index) }
            guard index < rest.endIndex, rest[index] == "=" else {
                result += rest[..<found.upperBound]
                rest = rest[found.upperBound...]
                continue
            }
            result += rest[...index] + Secret.redacted
            rest = afterValue(rest[rest.index(after: index)...])
        }
        return result + rest
    }

    /// What follows a value, which ends at a space or `&`, or at the quote that it begins with.
    private static func afterValue(_ text: Substring) -> Substring {
        var rest = text.drop { $0 == " " }
        guard rest.first == "'" else { return rest.drop { $0 != " " && $0 != "&" } }
        rest = rest.dropFirst()
        while let next = rest.first, next != "'" { rest = rest.dropFirst(next == "\\" ? 2 : 1) }
        return rest.dropFirst()
    }
}
