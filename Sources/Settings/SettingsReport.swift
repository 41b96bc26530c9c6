/// What `config show` prints: the effective configuration, secrets left out, and where every value came from.
extension LoadedSettings {
    /// YAML that can be read again; origins are comments, and so are keys that hold secrets, without these.
    public func yaml() -> String {
        var text = ""
        var section = ""
        for key in SettingKeys.all {
            let parts = key.path.split(separator: ".")
            let isNested = parts.count > 1
            if isNested, parts[0] != section { text += "\(parts[0]):\n" }
            section = isNested ? String(parts[0]) : ""
            let margin = (isNested ? "  " : "") + (isRedacted(key) ? "# " : "")
            text += "\(margin)\(parts[parts.count - 1]): \(yamlValue(key))  # \(NodeText.comment(origin(key)))\n"
        }
        return text + "streams:" + NodeText.yaml(streams, indent: 2) + "\n"
    }

    /// One object: `settings` maps each key to `value` and `origin`; `streams` is as written, and `stream_origins`
    /// says where each mapping was given.
    public func json() -> String {
        let members = SettingKeys.all.map { key in
            "\(NodeText.quote(key.path)):{\"value\":\(jsonValue(key)),\"origin\":\(NodeText.quote(origin(key)))}"
        }
        let places = streams.members.map { "\(NodeText.quote($0.key)):\(NodeText.quote($0.origin.description))" }
        return "{\"settings\":{\(members.joined(separator: ","))},\"streams\":\(NodeText.json(streams)),"
            + "\"stream_origins\":{\(places.joined(separator: ","))}}"
    }

    /// The environment twin of every key, for documentation and completion.
    public static var environmentVariables: [(key: String, variable: String, help: String)] {
        SettingKeys.all.map { ($0.path, $0.environmentVariable, $0.help) }
    }

    private func origin(_ key: SettingKey) -> String { (origins[key.path] ?? .builtIn).description }

    /// Read back, the value would be another one.
    private func isRedacted(_ key: SettingKey) -> Bool { key.render(settings).contains(Secret.redacted) }

    private func yamlValue(_ key: SettingKey) -> String {
        let text = key.render(settings)
        if key.isList {
            return "[" + text.split(separator: ",").map { NodeText.scalar(String($0)) }.joined(separator: ", ") + "]"
        }
        return text.isEmpty ? "null" : NodeText.scalar(text)
    }

    private func jsonValue(_ key: SettingKey) -> String {
        let text = key.render(settings)
        if key.isList {
            return "[" + text.split(separator: ",").map { NodeText.quote(String($0)) }.joined(separator: ",") + "]"
        }
        return text.isEmpty ? "null" : NodeText.quote(text)
    }
}

/// Writes nodes as YAML and JSON.
enum NodeText {
    /// What follows a key and its colon: a value, or members on lines of their own. Small mappings far inside stay on
    /// one line. Each line ends with the origin of its value.
    static func yaml(_ node: ConfigNode, indent: Int) -> String {
        let isDeep = indent > 6 && node.members.allSatisfy { $0.value.members.isEmpty }
        if node.members.isEmpty || isDeep { return " \(flow(node))  # \(comment(node.origin.description))" }
        let margin = "\n" + String(repeating: " ", count: indent)
        return node.members.map { "\(margin)\(scalar($0.key)):\(yaml($0.value, indent: indent + 2))" }.joined()
    }

    /// On one line.
    private static func flow(_ node: ConfigNode) -> String {
        switch node.content {
        case .null: "null"
        case .scalar(let text): scalar(text)
        case .sequence(let items): "[" + items.map(flow).joined(separator: ", ") + "]"
        case .mapping(let members):
            "{ " + members.map { "\(scalar($0.key)): \(flow($0.value))" }.joined(separator: ", ") + " }"
        }
    }

    static func json(_ node: ConfigNode) -> String {
        switch node.content {
        case .null: "null"
        case .scalar(let text): quote(text)
        case .sequence(let items): "[" + items.map(json).joined(separator: ",") + "]"
        case .mapping(let members):
            "{" + members.map { "\(quote($0.key)):\(json($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// Plain where YAML reads the same text back, in quotes otherwise. `$` is doubled: `${…}` was resolved before.
    static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isLetter || $0.isNumber || $0 == "/" } ?? false
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./+@".contains($0)) }
            && !["null", "Null", "NULL"].contains(text)
        return isPlain ? text : quote(escapeInterpolation(text))
    }

    private static func escapeInterpolation(_ text: String) -> String {
        let kept = Interpolation.reserved.map { "${\($0)}" }
        return kept.contains(text) ? text : text.replacing("${", with: "$${")
    }

    /// On one line, whatever a file is called.
    static func comment(_ text: String) -> String { escape(text, "") }

    /// A JSON string, which is YAML too.
    static func quote(_ text: String) -> String { "\"" + escape(text, "\"\\") + "\"" }

    /// - Parameter marked: characters that get a backslash.
    private static func escape(_ text: String, _ marked: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case _ where marked.unicodeScalars.contains(scalar): result += "\\" + String(scalar)
            case _ where scalar.value <= 0xFFFF && isHidden(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// What nobody sees, or what could act on a terminal.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        default: false
        }
    }
}
