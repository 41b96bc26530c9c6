import Settings

/// The configuration as YAML that can be read back, with a comment for the origin of each value.
struct SettingsText {
    private(set) var lines: [String] = []
    /// Where comments begin, so that they stand below each other.
    private static let commentColumn = 52

    init(_ shown: ShownSettings) {
        var section = ""
        for key in shown.keys {
            let parts = key.path.split(separator: ".", maxSplits: 1)
            let head = parts.count == 2 ? String(parts[0]) : ""
            if head != section, !head.isEmpty { lines.append("\(head):") }
            section = head
            let indent = head.isEmpty ? "" : "  "
            let value = key.value.map { " " + Self.scalar($0) } ?? ""
            add("\(indent)\(parts.last ?? ""):\(value)", comment: "\(key.origin)")
        }
        lines.append("streams:")
        append(shown.streams, indent: "  ")
    }

    private mutating func add(_ text: String, comment: String) {
        let blanks = String(repeating: " ", count: max(2, Self.commentColumn - text.count))
        lines.append("\(text)\(blanks)# \(SafeText.escape(comment))")
    }

    private mutating func append(_ node: ShownSettings.Node, indent: String) {
        guard case .mapping(let members) = node else { return }
        for member in members {
            let key = Self.scalar(member.key)
            if let inline = Self.inline(member.value), inline.count + indent.count + key.count < 110 {
                lines.append("\(indent)\(key): \(inline)")
            } else {
                lines.append("\(indent)\(key):")
                append(member.value, indent: indent + "  ")
            }
        }
    }

    /// What fits on one line: anything but a mapping of mappings.
    private static func inline(_ node: ShownSettings.Node) -> String? {
        switch node {
        case .null: return ""
        case .scalar(let text): return scalar(text)
        case .list(let items): return "[" + items.map { flow($0) }.joined(separator: ", ") + "]"
        case .mapping(let members):
            let isLeaf = members.allSatisfy { if case .scalar = $0.value { true } else { false } }
            return isLeaf && members.count <= 4 ? flow(node) : nil
        }
    }

    private static func flow(_ node: ShownSettings.Node) -> String {
        switch node {
        case .null: "~"
        case .scalar(let text): scalar(text)
        case .list(let items): "[" + items.map { flow($0) }.joined(separator: ", ") + "]"
        case .mapping(let members):
            "{ " + members.map { "\(scalar($0.key)): \(flow($0.value))" }.joined(separator: ", ") + " }"
        }
    }

    /// Quoted unless it is plainly a word, a number or an address.
    static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "/") } ?? false
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./:@=?&".contains($0)) }
            && text.last != ":" && text != "null"
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        // JSON's escapes are YAML's too.
        return SafeText.escapeJSON(quoted + "\"")
    }
}
