import Glibc

/// What standard output and standard error lead to.
enum Terminal {
    static let standardOutput: Int32 = 1
    static let standardError: Int32 = 2

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Colours only on a terminal that has them, and never with `NO_COLOR` (https://no-color.org).
    static func hasColours(_ descriptor: Int32) -> Bool {
        guard isTerminal(descriptor), environment("NO_COLOR") == nil else { return false }
        return environment("TERM") != "dumb"
    }

    /// `nil` when the variable is not set or empty.
    static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// Whether somebody who can answer a question sits there.
    static var canAsk: Bool { isTerminal(0) && isTerminal(standardError) }
}
