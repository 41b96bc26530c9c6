import RecordCodec

/// Reads one column: `price: fieldname`, or a mapping with one source and what to do with its text.
struct ColumnReader {
    static let sources = ["field", "value", "entry", "stream", "present"]
    static let modifiers = ["format", "path", "null_text", "lookup", "lookup_others", "default", "round"]

    let path: String
    let origin: Origin
    var problems: [SettingsProblem] = []

    init(path: String, origin: Origin) {
        self.path = path
        self.origin = origin
    }

    mutating func read(_ column: String, _ node: ConfigNode) -> ColumnMapping? {
        switch node.content {
        case .scalar(let field) where !field.isEmpty: return ColumnMapping(column: column, source: .fields([field]))
        case .mapping: return readMapping(column, node)
        case .null, .scalar, .sequence:
            report(node.origin, "", "\(node.kind) where a field belongs", fix: "\(column): name_of_the_field")
            return nil
        }
    }

    private mutating func readMapping(_ column: String, _ node: ConfigNode) -> ColumnMapping? {
        for member in node.members where !(Self.sources + Self.modifiers).contains(member.key) {
            let nearest = NearestName.find(member.key, among: Self.sources + Self.modifiers)
            report(
                member.origin, member.key, "unknown key",
                fix: nearest.map { "did you mean \"\($0)\"?" }
                    ?? "one of \((Self.sources + Self.modifiers).joined(separator: ", "))")
        }
        guard let source = source(node) else { return nil }
        var mapping = ColumnMapping(column: column, source: source)
        if let path = node["path"] { mapping.path = steps(path) }
        if let format = node["format"] { mapping.format = choice(format, "format") ?? .automatic }
        if let texts = node["null_text"] { mapping.nullTexts = names(texts, "null_text") }
        if let lookup = node["lookup"] { mapping.lookup = table(lookup, "lookup") }
        if let others = node["lookup_others"] { mapping.lookupOthers = flag(others, "lookup_others") }
        if let fallback = node["default"] { mapping.fallback = self.fallback(fallback) }
        if let round = node["round"] { mapping.rounds = flag(round, "round") }
        return mapping
    }

    private mutating func source(_ node: ConfigNode) -> ColumnMapping.Source? {
        let given = node.members.filter { Self.sources.contains($0.key) }
        guard let member = given.first, given.count == 1 else {
            let message = given.isEmpty ? "has no source" : "has \(given.count) sources"
            report(node.origin, "", message, fix: "exactly one of \(Self.sources.joined(separator: ", "))")
            return nil
        }
        switch member.key {
        case "field":
            let fields = names(member.value, "field")
            return fields.isEmpty ? nil : .fields(fields)
        case "value":
            guard let text = member.value.scalar else { return expected("a single value", member) }
            return .constant(text)
        case "entry":
            switch member.value.scalar {
            case "id": return .entryID
            case "time": return .entryTime
            default: return expected("id or time", member)
            }
        case "stream":
            return member.value.scalar == "name" ? .streamName : expected("name", member)
        default:
            guard case .mapping(let rules) = member.value.content, rules.allSatisfy({ $0.value.scalar != nil }) else {
                return expected("a mapping of fields to texts", member)
            }
            return .present(rules.map { .init(field: $0.key, text: $0.value.scalar ?? "") })
        }
    }

    private mutating func expected(_ text: String, _ member: ConfigNode.Member) -> ColumnMapping.Source? {
        report(member.value.origin, member.key, "is not \(text)")
        return nil
    }

    // MARK: Modifiers

    /// `[bid, 0]`, `bid`, or `a.b[0]`.
    private mutating func steps(_ node: ConfigNode) -> [ColumnMapping.PathStep] {
        if case .sequence(let items) = node.content {
            return items.compactMap(\.scalar).map { text in Int(text).map { .index($0) } ?? .key(text) }
        }
        guard let text = node.scalar, let steps = JSONPath.parse(text) else {
            report(node.origin, "path", "is not a path", fix: "write such as bid, a.b[0] or [a, b, 0]")
            return []
        }
        return steps
    }

    /// A constant, `${entry_id}`, `${entry_time}`, `${stream}`, or `{field: other}`.
    private mutating func fallback(_ node: ConfigNode) -> ColumnMapping.Fallback? {
        switch node.content {
        case .scalar("${entry_id}"): return .entryID
        case .scalar("${entry_time}"): return .entryTime
        case .scalar("${stream}"): return .streamName
        case .scalar(let text): return .constant(text)
        case .mapping(let members):
            if members.count == 1, members[0].key == "field", let field = members[0].value.scalar {
                return .field(field)
            }
        case .null, .sequence: break
        }
        report(node.origin, "default", "is no default", fix: "a text, ${entry_time} or {field: other}")
        return nil
    }

    private mutating func names(_ node: ConfigNode, _ key: String) -> [String] {
        switch node.content {
        case .scalar(let text): return [text]
        case .sequence(let items) where !items.isEmpty && items.allSatisfy({ $0.scalar != nil }):
            return items.compactMap(\.scalar)
        case .null, .sequence, .mapping:
            report(node.origin, key, "is neither a text nor a list of texts")
            return []
        }
    }

    private mutating func table(_ node: ConfigNode, _ key: String) -> [String: String] {
        guard case .mapping(let members) = node.content, members.allSatisfy({ $0.value.scalar != nil }) else {
            report(node.origin, key, "is not a mapping of texts", fix: "{True: true, False: false}")
            return [:]
        }
        return Dictionary(members.map { ($0.key, $0.value.scalar ?? "") }, uniquingKeysWith: { first, _ in first })
    }

    private mutating func flag(_ node: ConfigNode, _ key: String) -> Bool {
        if let text = node.scalar, case .success(let value) = ValueFormat<Bool>.flag.parse(text) { return value }
        report(node.origin, key, "is not true or false")
        return false
    }

    private mutating func choice<Value: CaseIterable & RawRepresentable & Sendable>(
        _ node: ConfigNode, _ key: String
    ) -> Value? where Value.RawValue == String {
        switch ValueFormat<Value>.choice.parse(node.scalar ?? node.kind) {
        case .success(let value): return value
        case .failure(let problem):
            report(node.origin, key, problem.message, fix: problem.fix)
            return nil
        }
    }

    private mutating func report(_ origin: Origin, _ key: String, _ message: String, fix: String? = nil) {
        let place = key.isEmpty ? path : "\(path).\(key)"
        problems.append(SettingsProblem(place: origin, key: place, message: message, fix: fix))
    }
}

/// Paths into a field's JSON.
enum JSONPath {
    /// Reads `bid`, `a.b` or `a.b[0]`; `nil` for an empty step or an unclosed bracket.
    static func parse(_ text: String) -> [ColumnMapping.PathStep]? {
        var steps: [ColumnMapping.PathStep] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            let name = part.prefix { $0 != "[" }
            var rest = part.dropFirst(name.count)
            if name.isEmpty && rest.isEmpty { return nil }
            if !name.isEmpty { steps.append(.key(String(name))) }
            while !rest.isEmpty {
                guard rest.first == "[", let end = rest.firstIndex(of: "]"),
                    let index = UInt32(rest[rest.index(after: rest.startIndex)..<end])
                else { return nil }
                steps.append(.index(Int(index)))
                rest = rest[rest.index(after: end)...]
            }
        }
        return steps
    }
}
