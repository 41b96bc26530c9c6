/// The effective configuration as `config show` tells it; the value of a secret is not in it.
public struct ShownSettings: Equatable, Sendable {
    /// One key but `streams`.
    public struct Key: Equatable, Sendable {
        /// Dotted, such as `batching.rows`.
        public var path: String
        /// As it would be written; `nil` when it is not set.
        public var value: String?
        public var origin: Origin
    }

    /// A part of `streams`.
    public indirect enum Node: Equatable, Sendable {
        case null
        case scalar(String)
        case list([Node])
        case mapping([Member])

        public struct Member: Equatable, Sendable {
            public var key: String
            public var value: Node
        }
    }

    /// In the order of the reference.
    public var keys: [Key]
    public var streams: Node
}

extension LoadedSettings {
    /// What holds, and where each value was given.
    public var shown: ShownSettings {
        let keys = SettingKeys.all.map { key in
            let text = key.render(settings)
            return ShownSettings.Key(
                path: key.path, value: text.isEmpty ? nil : text, origin: origins[key.path] ?? .builtIn)
        }
        return ShownSettings(keys: keys, streams: ShownSettings.Node(streams))
    }
}

extension ShownSettings.Node {
    fileprivate init(_ node: ConfigNode) {
        switch node.content {
        case .null: self = .null
        case .scalar(let text): self = .scalar(text)
        case .sequence(let items): self = .list(items.map { Self($0) })
        case .mapping(let members):
            self = .mapping(members.map { Member(key: $0.key, value: Self($0.value)) })
        }
    }
}
