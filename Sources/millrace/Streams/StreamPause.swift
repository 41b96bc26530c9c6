import ArgumentParser
import Glibc
import IngestPipeline
import RecordCodec
import Records
import RedisStreams
import RedisWire
import Settings

struct StreamPause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Keep all workers of the group from reading streams, until they are resumed.",
        discussion: """
            Workers notice within about a second; batches under way are finished. What was read and is not stored stays \
            pending. Nothing is lost while Redis keeps the entries. `stream ls` shows who paused a stream and when; \
            `run --drain` ends with 1 at a paused stream that has entries left. A name that Redis does not have, or the \
            configuration, is warned of; one that neither has is a mistake, and nothing is paused.

            EXAMPLES
              millrace stream pause md:trades
              millrace stream pause 'ticker-*'
            """)

    @OptionGroup var selection: NamedStreams
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let connection = try Servers(loaded).redis()
        let streams = try selection.find(on: connection)
        try selection.checkNames(loaded.settings, on: connection)
        let count = try connection.pause(
            streams, group: loaded.settings.consumerGroup, by: "\(Self.user) on \(Machine.current.hostName)")
        try PauseLine(streams: streams, changed: count).show("paused", "were paused already", output)
    }

    private static var user: String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "user \(getuid())" }
        return String(cString: name)
    }
}

struct StreamResume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let workers read paused streams again.",
        discussion: """
            EXAMPLES
              millrace stream resume md:trades
              millrace stream resume '*'
            """)

    @OptionGroup var selection: NamedStreams
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let group = loaded.settings.consumerGroup
        let connection = try Servers(loaded).redis()
        // Also streams that are gone by now: a pattern means what is paused.
        let paused = try connection.pausedStreams(group: group).keys
        let streams = selection.streams.flatMap { selector in
            StreamDiscovery.isPattern(selector)
                ? paused.filter(GlobPattern(selector).matches).sorted() : [StreamKey(selector)]
        }
        let count = try connection.resume(streams, group: group)
        try PauseLine(streams: streams, changed: count).show("resumed", "were not paused", output)
    }
}

/// What was paused or resumed.
private struct PauseLine: Encodable {
    var streams: [String]
    var changed: Int

    init(streams: [StreamKey], changed: Int) {
        self.streams = streams.map { JSONName($0).text }
        self.changed = changed
    }

    func show(_ verb: String, _ rest: String, _ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(self) }
        let others = streams.count - changed
        Output.print("\(verb) \(Figures.count(changed))" + (others > 0 ? "; \(Figures.count(others)) \(rest)" : ""))
    }
}

/// Streams that a command changes: never all of them by leaving the names out.
struct NamedStreams: ParsableArguments {
    @Argument(help: ArgumentHelp("Names, or glob patterns.", valueName: "stream"))
    var streams: [String]

    /// The streams that exist, and exact names whether they exist or not.
    func find(on connection: RedisConnection) throws -> [StreamKey] {
        let found = try StreamDiscovery.find(streams, on: connection)
        guard !found.isEmpty else {
            throw CommandFailure(
                "no stream matches \(streams.joined(separator: " "))", fix: "list them with `millrace stream ls '*'`")
        }
        return found
    }

    /// An exact name may be one of a stream to come, or of another configuration, but hardly both.
    /// - Throws: when a name is neither a stream's nor in the configuration.
    func checkNames(_ settings: Settings, on connection: RedisConnection) throws {
        let selectors = settings.streams.flatMap(\.keys)
        var warnings: [String] = []
        for name in streams where !StreamDiscovery.isPattern(name) {
            let key = StreamKey(name)
            let isMapped = selectors.contains { StreamSelection.names($0, key) }
            switch (try connection.type(of: key) == "stream", isMapped) {
            case (true, true): continue
            case (true, false): warnings.append("no mapping of the configuration names \(name): workers do not read it")
            case (false, true): warnings.append("there is no stream \(name) yet")
            case (false, false):
                throw CommandFailure(
                    "there is no stream \(name), and no mapping of the configuration names it",
                    fix: "list them with `millrace stream ls '*'`")
            }
        }
        for warning in warnings { Output.complain("warning: \(warning)") }
    }
}
