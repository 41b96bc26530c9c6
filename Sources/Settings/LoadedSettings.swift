/// A configuration, and where its values came from.
public struct LoadedSettings: Sendable {
    public let settings: Settings
    /// What is probably a mistake, but does not keep a worker from running.
    public let warnings: [SettingsProblem]
    /// By dotted key, `streams` not included; keys that nobody gave have ``Origin/builtIn``.
    public let origins: [String: Origin]
    /// The effective `streams`, as written.
    let streams: ConfigNode
}

extension Settings {
    /// Reads, merges and checks a configuration.
    /// - Throws: every problem that was found, not only the first.
    public static func load(_ input: SettingsInput) throws(SettingsError) -> LoadedSettings {
        var loader = SettingsLoader(input)
        return try loader.load()
    }
}
