/// A part of the configuration as it was written, with the place of every key and value.
struct ConfigNode: Equatable, Sendable {
    indirect enum Content: Equatable, Sendable {
        case null
        case scalar(String)
        case sequence([ConfigNode])
        case mapping([Member])
    }

    struct Member: Equatable, Sendable {
        var key: String
        var origin: Origin
        var value: ConfigNode
    }

    var content: Content
    var origin: Origin

    static let empty = ConfigNode(content: .null, origin: .builtIn)

    /// Its members, none when it is not a mapping.
    var members: [Member] {
        if case .mapping(let members) = content { return members }
        return []
    }

    var scalar: String? {
        if case .scalar(let text) = content { return text }
        return nil
    }

    var isNull: Bool { content == .null }

    /// For messages.
    var kind: String {
        switch content {
        case .null: "nothing"
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    subscript(key: String) -> ConfigNode? {
        members.first { $0.key == key }?.value
    }

    /// A copy in which the value at `path` is `value`; mappings on the way are made as needed.
    func setting(_ path: ArraySlice<String>, to value: ConfigNode) -> ConfigNode {
        guard let key = path.first else { return value }
        var members = self.members
        if let index = members.firstIndex(where: { $0.key == key }) {
            members[index].value = members[index].value.setting(path.dropFirst(), to: value)
            members[index].origin = value.origin
        } else {
            let made = ConfigNode.empty.setting(path.dropFirst(), to: value)
            members.append(Member(key: key, origin: value.origin, value: made))
        }
        return ConfigNode(content: .mapping(members), origin: isNull ? value.origin : origin)
    }
}
