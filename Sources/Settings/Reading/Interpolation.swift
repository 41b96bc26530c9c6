/// Replaces `${VAR}` and `${VAR:default}` by variables of the environment.
///
/// `${entry_id}`, `${entry_time}` and `${stream}` belong to the mapping of columns and stay; `$${` is a literal `${`.
struct Interpolation {
    static let reserved: Set<String> = ["entry_id", "entry_time", "stream"]

    var environment: [String: String]

    func resolve(_ text: String) -> Result<String, ValueProblem> {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            let isEscaped = rest[..<start.lowerBound].hasSuffix("$")
            result += isEscaped ? rest[..<start.lowerBound].dropLast() : rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            if isEscaped {
                result += "${"
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                return .failure(ValueProblem("\"${\" without \"}\"", fix: "write $${ for a literal ${"))
            }
            switch value(of: rest[..<end]) {
            case .success(let value): result += value
            case .failure(let problem): return .failure(problem)
            }
            rest = rest[rest.index(after: end)...]
        }
        return .success(result + rest)
    }

    private func value(of expression: Substring) -> Result<String, ValueProblem> {
        let parts = expression.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        if Self.reserved.contains(name), parts.count == 1 { return .success("${\(name)}") }
        let isName = name.first.map { !$0.isNumber } ?? false
        guard isName, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else {
            return .failure(ValueProblem("\"\(name)\" is not the name of a variable"))
        }
        if let value = environment[name] { return .success(value) }
        if parts.count == 2 { return .success(String(parts[1])) }
        return .failure(
            ValueProblem("the variable \(name) is not set", fix: "set it, or give a default: ${\(name):value}"))
    }
}

/// What is wrong with one value, before its key and place are known.
struct ValueProblem: Error, Equatable {
    var message: String
    var fix: String?

    init(_ message: String, fix: String? = nil) {
        self.message = message
        self.fix = fix
    }
}
