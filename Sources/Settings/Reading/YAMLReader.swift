import Yams

/// Reads YAML into ``ConfigNode``s, resolving `${VAR:default}` on the way.
struct YAMLReader {
    var interpolation: Interpolation
    /// The place of a line and a column in the text.
    var origin: @Sendable (Int, Int) -> Origin
    private(set) var problems: [SettingsProblem] = []

    init(interpolation: Interpolation, origin: @escaping @Sendable (Int, Int) -> Origin) {
        self.interpolation = interpolation
        self.origin = origin
    }

    /// The document of a file; an empty one when the text is not YAML, with the reason in ``problems``.
    mutating func read(_ text: String) -> ConfigNode {
        do {
            guard let root = try compose(yaml: text) else { return .empty }
            return convert(root, path: "")
        } catch {
            problems.append(describe(error))
            return .empty
        }
    }

    private mutating func convert(_ node: Node, path: String) -> ConfigNode {
        let origin = place(node.mark)
        switch node {
        case .scalar(let scalar):
            if node.null != nil { return ConfigNode(content: .null, origin: origin) }
            return ConfigNode(content: .scalar(resolve(scalar.string, at: origin, path: path)), origin: origin)
        case .sequence(let sequence):
            let items = sequence.enumerated().map { convert($1, path: "\(path)[\($0)]") }
            return ConfigNode(content: .sequence(items), origin: origin)
        case .mapping(let mapping):
            return ConfigNode(content: .mapping(mapping.map { convert($0, path: path) }), origin: origin)
        case .alias:
            problems.append(SettingsProblem(place: origin, key: path, message: "an alias is not resolved here"))
            return ConfigNode(content: .null, origin: origin)
        }
    }

    private mutating func convert(_ pair: (key: Node, value: Node), path: String) -> ConfigNode.Member {
        let key = pair.key.scalar?.string ?? ""
        let origin = place(pair.key.mark)
        if pair.key.scalar == nil {
            problems.append(SettingsProblem(place: origin, key: path, message: "a key must be a single word"))
        }
        let inner = path.isEmpty ? key : "\(path).\(key)"
        return ConfigNode.Member(key: key, origin: origin, value: convert(pair.value, path: inner))
    }

    private mutating func resolve(_ text: String, at origin: Origin, path: String) -> String {
        switch interpolation.resolve(text) {
        case .success(let resolved): return resolved
        case .failure(let failure):
            problems.append(SettingsProblem(place: origin, key: path, message: failure.message, fix: failure.fix))
            return text
        }
    }

    private func place(_ mark: Mark?) -> Origin { origin(mark?.line ?? 1, mark?.column ?? 1) }

    private func describe(_ error: any Error) -> SettingsProblem {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return SettingsProblem(place: place(mark), key: "", message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.sorted().joined(separator: ", ")
            return SettingsProblem(
                place: place(context.mark), key: "", message: "given twice: \(names)", fix: "keep one of them")
        default:
            return SettingsProblem(place: place(nil), key: "", message: "not YAML: \(error)")
        }
    }
}
