/// One run over file, environment and flags.
struct SettingsLoader {
    let input: SettingsInput
    var settings: Settings
    var problems: [SettingsProblem] = []
    var warnings: [SettingsProblem] = []
    var origins: [String: Origin] = [:]
    var streams = ConfigNode.empty

    init(_ input: SettingsInput) {
        self.input = input
        settings = Settings(machine: input.machine)
    }

    mutating func load() throws(SettingsError) -> LoadedSettings {
        readFile()
        readEnvironment()
        readFlags()
        readSecretFiles()
        settings.streams = readStreams()
        checkTogether()
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        for key in SettingKeys.all where origins[key.path] == nil { origins[key.path] = .builtIn }
        return LoadedSettings(settings: settings, warnings: warnings, origins: origins, streams: streams)
    }

    // MARK: File

    private mutating func readFile() {
        let root = parse(input.file ?? SettingsInput.builtInFile)
        apply(root, prefix: "")
        streams = root["streams"] ?? .empty
        // A file without streams is about servers and limits: the built-in streams stay.
        if streams.isNull, input.file != nil { streams = parse(SettingsInput.builtInFile)["streams"] ?? .empty }
    }

    private mutating func parse(_ file: SettingsInput.File) -> ConfigNode {
        let name = file.name
        var reader = YAMLReader(interpolation: Interpolation(environment: input.environment)) { line, column in
            .file(name: name, line: line, column: column)
        }
        let root = reader.read(file.text)
        problems += reader.problems
        return root
    }

    private mutating func apply(_ node: ConfigNode, prefix: String) {
        if node.isNull { return }
        guard case .mapping(let members) = node.content else {
            let message = "\(node.kind) where a mapping belongs"
            problems.append(SettingsProblem(place: node.origin, key: prefix, message: message))
            return
        }
        for member in members {
            let path = prefix.isEmpty ? member.key : "\(prefix).\(member.key)"
            if let key = SettingKeys.byPath[path] {
                apply(member.value, to: key)
            } else if SettingKeys.sections.contains(path) {
                apply(member.value, prefix: path)
            } else if path != "streams" {
                problems.append(unknown(path, at: member.origin))
            }
        }
    }

    private mutating func apply(_ node: ConfigNode, to key: SettingKey) {
        switch node.content {
        case .null: return
        case .scalar(let text): apply(text, to: key, from: node.origin)
        case .sequence(let items) where key.isList && items.allSatisfy({ $0.scalar != nil }):
            apply(items.compactMap(\.scalar).joined(separator: ","), to: key, from: node.origin)
        case .sequence, .mapping:
            let message = "\(node.kind) where \(key.isList ? "a list of names" : "a single value") belongs"
            problems.append(SettingsProblem(place: node.origin, key: key.path, message: message))
        }
    }

    private mutating func apply(_ text: String, to key: SettingKey, from origin: Origin) {
        if let problem = key.apply(text, &settings) {
            let message = key.isSecret ? "is empty" : problem.message
            problems.append(SettingsProblem(place: origin, key: key.path, message: message, fix: problem.fix))
        } else {
            origins[key.path] = origin
        }
    }

    /// The nearest name is looked for among all keys and sections, and by the last word alone.
    private func unknown(_ path: String, at origin: Origin) -> SettingsProblem {
        let known = SettingKeys.all.map(\.path) + SettingKeys.sections.sorted() + ["streams"]
        let last = String(path.split(separator: ".").last ?? "")
        let nearest =
            NearestName.find(path, among: known)
            ?? known.first { $0.hasSuffix(".\(last)") }
        return SettingsProblem(
            place: origin, key: path, message: "unknown key", fix: nearest.map { "did you mean \"\($0)\"?" })
    }

    // MARK: Environment and flags

    private mutating func readEnvironment() {
        for key in SettingKeys.all {
            let variable = key.environmentVariable
            // An empty variable counts as not set, as in compose files.
            guard let text = input.environment[variable], !text.isEmpty else { continue }
            apply(text, to: key, from: .environment(variable: variable))
        }
        warnOfUnknownVariables()
    }

    /// Only a warning: orchestrators add variables of their own (`MILLRACE_SERVICE_HOST`).
    private mutating func warnOfUnknownVariables() {
        let prefix = "MILLRACE_"
        let known = Set(SettingKeys.all.map { String($0.environmentVariable.dropFirst(prefix.count)) })
        let sections = SettingKeys.sections.map { "\($0.uppercased())_" }
        for variable in input.environment.keys.sorted() where variable.hasPrefix(prefix) {
            let name = String(variable.dropFirst(prefix.count))
            if known.contains(name) { continue }
            let nearest = NearestName.find(name, among: known.sorted())
            guard nearest != nil || sections.contains(where: name.hasPrefix) else { continue }
            warnings.append(
                SettingsProblem(
                    place: .environment(variable: variable), key: "", message: "no key has this variable",
                    fix: nearest.map { "did you mean \(prefix)\($0)?" }))
        }
    }

    private mutating func readFlags() {
        for flag in input.flags {
            guard let equals = flag.firstIndex(of: "="), equals > flag.startIndex else {
                problems.append(
                    SettingsProblem(
                        place: .flag(flag), key: "", message: "is not key=value", fix: "such as -s batching.rows=5000"))
                continue
            }
            readFlag(String(flag[..<equals]), String(flag[flag.index(after: equals)...]))
        }
    }

    private mutating func readFlag(_ path: String, _ text: String) {
        let origin = Origin.flag(path)
        if path.hasPrefix("streams.") {
            var reader = YAMLReader(interpolation: Interpolation(environment: input.environment)) { _, _ in origin }
            let value = reader.read(text)
            problems += reader.problems
            streams = streams.setting(path.split(separator: ".").dropFirst().map(String.init)[...], to: value)
        } else if let key = SettingKeys.byPath[path] {
            if key.isSecret {
                problems.append(
                    SettingsProblem(
                        place: origin, key: path, message: "a secret may not be an argument, which others can see",
                        fix: "use \(path)_file, or the variable \(key.environmentVariable)"))
            } else {
                apply(text, to: key, from: origin)
            }
        } else {
            problems.append(unknown(path, at: origin))
        }
    }
}
