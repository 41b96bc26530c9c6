/// Where a value was given.
public enum Origin: Hashable, Sendable {
    /// The value that a key has when nobody gives one.
    case builtIn
    /// Line and column count from 1.
    case file(name: String, line: Int, column: Int)
    case environment(variable: String)
    /// `-s key=value`.
    case flag(String)
}

extension Origin: CustomStringConvertible {
    public var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let name, let line, let column): "\(name):\(line):\(column)"
        case .environment(let variable): "environment \(variable)"
        case .flag(let text): "flag -s \(text)"
        }
    }
}

/// One thing that is wrong with the configuration.
public struct SettingsProblem: Error, Hashable, Sendable {
    public var place: Origin
    /// The dotted key, such as `batching.rows`; empty when no key is to blame.
    public var key: String
    public var message: String
    /// What to write instead, when that is known.
    public var fix: String?

    public init(place: Origin, key: String, message: String, fix: String? = nil) {
        self.place = place
        self.key = key
        self.message = message
        self.fix = fix
    }
}

extension SettingsProblem: CustomStringConvertible {
    /// Such as `millrace.yaml:3:3: batching.row: unknown key (did you mean "rows"?)`.
    public var description: String {
        var text = "\(place): "
        if !key.isEmpty { text += "\(key): " }
        text += message
        if let fix { text += " (\(fix))" }
        return text
    }
}

/// Everything that is wrong with the configuration, in the order in which it was found.
public struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    public var problems: [SettingsProblem]

    public init(problems: [SettingsProblem]) {
        self.problems = problems
    }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
