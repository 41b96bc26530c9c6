import ArgumentParser
import Settings

struct ConfigShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the effective configuration, and where each value comes from.",
        discussion: """
            What it prints is a configuration file that can be loaded again. Secrets are left out: a key whose value \
            is one, or an address with a password in it, is a comment with \(Secret.redacted).

            EXAMPLES
              millrace config show
              millrace config show --json | jq '.keys["redis.url"]'
            """)

    private struct Facts: Encodable {
        struct Key: Encodable {
            var value: String?
            var origin: String
        }

        var source: String
        var keys: [String: Key]
        var streams: JSONNode
    }

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = (try source.input().file ?? SettingsInput.builtInFile).name
        let loaded = try source.load()
        if output.isJSON {
            let shown = loaded.shown
            let keys = shown.keys.map { ($0.path, Facts.Key(value: $0.value, origin: $0.origin.description)) }
            try Output.json(
                Facts(
                    source: name, keys: Dictionary(uniqueKeysWithValues: keys), streams: JSONNode(shown.streams)))
        } else {
            Output.print("# \(SafeText.escape(name)), environment and flags")
            for line in loaded.yaml().split(separator: "\n") { Output.print(String(line)) }
        }
    }
}

/// A part of `streams` as JSON.
private struct JSONNode: Encodable {
    let node: ShownSettings.Node

    init(_ node: ShownSettings.Node) {
        self.node = node
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(_ text: String) {
            stringValue = text
        }

        init?(stringValue: String) {
            self.init(stringValue)
        }

        init?(intValue: Int) {
            nil
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch node {
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .scalar(let text):
            var container = encoder.singleValueContainer()
            try container.encode(text)
        case .list(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(JSONNode(item)) }
        case .mapping(let members):
            var container = encoder.container(keyedBy: Name.self)
            for member in members { try container.encode(JSONNode(member.value), forKey: Name(member.key)) }
        }
    }
}
