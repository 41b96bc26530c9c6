import ArgumentParser
import Foundation
import Settings

/// Where the configuration comes from.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: ArgumentHelp(
            "The configuration file.",
            discussion: """
                Without it: $MILLRACE_CONFIG, ./millrace.yaml, ./config/millrace.yaml, /etc/millrace/millrace.yaml, \
                and if there is none, the built-in configuration.
                """,
            valueName: "file"))
    var file: String?

    @Option(
        name: [.customShort("s"), .customLong("set")], parsing: .singleValue,
        help: ArgumentHelp("Sets a key, such as -s redis.url=redis://host:6379. Repeatable.", valueName: "key=value"))
    var overrides: [String] = []

    func load() throws -> LoadedSettings { try source.load() }
    func input() throws(CommandFailure) -> SettingsInput { try source.input() }
    private var source: ConfigurationSource { ConfigurationSource(file: file, overrides: overrides) }
}

/// The same for commands whose `--set` is something else: settings are given with `-s` alone.
struct ShortConfigurationOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: ArgumentHelp("The configuration file; without it as for other commands.", valueName: "file"))
    var file: String?

    @Option(
        name: .customShort("s"), parsing: .singleValue,
        help: ArgumentHelp(
            "Sets a configuration key, such as -s redis.url=redis://host:6379. Repeatable.", valueName: "key=value"))
    var overrides: [String] = []

    func load() throws -> LoadedSettings { try ConfigurationSource(file: file, overrides: overrides).load() }
}

/// A file, the environment, and flags.
struct ConfigurationSource {
    var file: String?
    var overrides: [String]

    static let places = ["millrace.yaml", "config/millrace.yaml", "/etc/millrace/millrace.yaml"]

    /// Reads and checks the configuration, and says on standard error what is probably a mistake.
    /// - Throws: `SettingsError` with every problem, ``CommandFailure`` when the file cannot be read.
    func load() throws -> LoadedSettings {
        let loaded = try Settings.load(try input())
        for warning in loaded.warnings { Output.complain("warning: \(warning)") }
        return loaded
    }

    func input() throws(CommandFailure) -> SettingsInput {
        var environment = ProcessInfo.processInfo.environment
        // Names the file; it is not a key.
        let named = environment.removeValue(forKey: "MILLRACE_CONFIG").flatMap { $0.isEmpty ? nil : $0 }
        return SettingsInput(file: try readFile(named: file ?? named), environment: environment, flags: overrides)
    }

    private func readFile(named name: String?) throws(CommandFailure) -> SettingsInput.File? {
        guard let path = name ?? Self.places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            return nil
        }
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            guard let text = String(validating: data, as: UTF8.self) else {
                throw CommandFailure("\(path) is not UTF-8", status: ExitStatus.badConfiguration)
            }
            return SettingsInput.File(name: path, text: text)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
            throw CommandFailure(
                "configuration file \(path) \(reason)",
                fix: "give another with -c FILE or MILLRACE_CONFIG, or leave both out for the built-in one",
                status: ExitStatus.badConfiguration)
        }
    }
}
