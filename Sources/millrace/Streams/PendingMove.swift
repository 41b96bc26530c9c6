import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

/// Which pending entries `claim` and `release` move.
struct PendingSelection: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("A stream, or a glob pattern. Repeatable.", valueName: "stream"))
    var stream: [String] = []

    @Flag(name: .long, help: "All streams of the configuration.")
    var all = false

    @Option(name: .long, help: ArgumentHelp("Only of this consumer.", valueName: "name"))
    var consumer: String?

    @Option(name: .long, help: ArgumentHelp("Only what was delivered at least so long ago.", valueName: "duration"))
    var idle: DurationArgument?

    @Option(name: .long, help: ArgumentHelp("Only this entry. Repeatable.", valueName: "id"))
    var id: [StreamIDArgument] = []

    @Flag(name: .long, help: "Say how many would be moved, and move none.")
    var dryRun = false

    @Flag(name: .long, help: "Do not ask.")
    var force = false

    func validate() throws {
        if stream.isEmpty != all { throw ValidationError("name streams with --stream, or give --all") }
    }
}

/// `1735689600000-0` on the command line.
struct StreamIDArgument: ExpressibleByArgument {
    let id: StreamID

    init?(argument: String) {
        guard let id = StreamID(argument) else { return nil }
        self.id = id
    }
}

struct PendingRelease: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Take pending entries from their consumers, for any worker to go on with.",
        discussion: """
            Workers take entries over by themselves, 5 s after a consumer's last heartbeat, or after claim.after without \
            one. This makes them do it at once. Taking an entry from a worker that is busy with it is harmless: the \
            ledger decides who stores it.

            EXAMPLES
              millrace pending release --stream md:trades --consumer worker-1.0.0
              millrace pending release --all --idle 10m --force
            """)

    @OptionGroup var selection: PendingSelection
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try PendingMove(selection: selection, to: nil, output: output).run(source)
    }
}

struct PendingClaim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claim", abstract: "Take pending entries into a consumer's name, to look at them undisturbed.",
        discussion: """
            Delivery counts stay. Workers leave the entries alone for claim.after (30 s); claim again to keep them, and \
            give them back with `pending release`. The consumer must not be a worker's: a worker that lives does not \
            look for entries given to it.

            EXAMPLES
              millrace pending claim --stream md:trades --to ada --idle 10m
              millrace pending claim --stream md:trades --to ada --id 1735689600000-0 --force
            """)

    @Option(name: .long, help: ArgumentHelp("The consumer that gets them.", valueName: "name"))
    var to: String

    @OptionGroup var selection: PendingSelection
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if to.isEmpty || to.hasPrefix("epoch:") { throw ValidationError("--to is a consumer's name, not a marker's") }
    }

    func run() throws {
        try PendingMove(selection: selection, to: to, output: output).run(source)
    }
}

/// Moves pending entries, a thousand at a time, ascending.
private struct PendingMove {
    private static let entriesAtOnce = 1_000

    let selection: PendingSelection
    /// `nil` gives them to whoever comes first.
    let to: String?
    let output: OutputOptions

    private struct Line: Encodable {
        var streams: Int
        var entries: Int
        var moved: Int
    }

    func run(_ source: ConfigurationOptions) throws {
        let loaded = try source.load()
        let group = loaded.settings.consumerGroup
        let connection = try Servers(loaded).redis()
        try refuseWorkers(group, connection)
        try StreamSelection.requireGroup(group, of: selection.stream, on: connection)
        let streams = try StreamSelection.chosen(selection.stream, loaded.settings, on: connection)
        var line = Line(streams: streams.count, entries: 0, moved: 0)
        line.entries = try count(streams, group, connection)
        if !selection.dryRun, line.entries > 0 {
            try Confirmation.require(
                "this takes \(Figures.count(line.entries)) pending entries from their consumers", force: selection.force
            )
            var progress = Progress("moved", total: Int64(line.entries))
            for stream in streams {
                try each(stream, group, connection) { ids in
                    line.moved += try move(ids, stream, group, connection)
                    progress.update(Int64(line.moved))
                }
            }
            progress.finish()
        }
        if output.isJSON { return try Output.json(line) }
        Output.print(
            selection.dryRun
                ? "\(Figures.count(line.entries)) entries would be moved"
                : "moved \(Figures.count(line.moved)) of \(Figures.count(line.entries)) entries")
    }

    private func count(_ streams: [StreamKey], _ group: String, _ connection: RedisConnection) throws -> Int {
        var progress = Progress("counted", total: nil)
        defer { progress.finish() }
        var count = 0
        for stream in streams {
            try each(stream, group, connection) { ids in
                count += ids.count
                progress.update(Int64(count))
            }
        }
        return count
    }

    private func refuseWorkers(_ group: String, _ connection: RedisConnection) throws {
        guard let to, try connection.isAlive(to, group: group) else { return }
        throw CommandFailure(
            "\(to) is a worker's consumer, which does not look for entries given to it",
            fix: "use `millrace pending release`: workers then take them", status: ExitStatus.wrongUse)
    }

    private func move(
        _ ids: [StreamID], _ stream: StreamKey, _ group: String, _ connection: RedisConnection
    ) throws -> Int {
        try connection.claim(
            ids, of: stream, group: group, to: to ?? ConsumerNames.released,
            minimumIdle: selection.idle?.duration ?? .zero, settingIdle: to == nil ? .seconds(86_400) : nil
        ).count
    }

    /// Calls `body` with the chosen entries that do not have the right consumer yet.
    private func each(
        _ stream: StreamKey, _ group: String, _ connection: RedisConnection, body: ([StreamID]) throws -> Void
    ) throws {
        let wanted = Set(selection.id.map(\.id))
        let last = wanted.max() ?? .max
        let holder = to ?? ConsumerNames.released
        let idle = selection.idle?.duration ?? .zero
        var next: StreamID? = wanted.min() ?? .min
        while let from = next, from <= last {
            let page = try page(of: stream, IDRange(from, last), group, connection)
            let chosen = page.filter { entry in
                entry.idle >= idle && entry.consumer != holder && (wanted.isEmpty || wanted.contains(entry.id))
            }
            if !chosen.isEmpty { try body(chosen.map(\.id)) }
            next = page.count < Self.entriesAtOnce ? nil : page.last?.id.successor
        }
    }

    private func page(
        of stream: StreamKey, _ range: IDRange, _ group: String, _ connection: RedisConnection
    ) throws(RedisError) -> [PendingEntry] {
        do throws(RedisError) {
            return try connection.pending(
                of: stream, group: group, in: range, count: Self.entriesAtOnce, consumer: selection.consumer)
        } catch .server(let error) where error.code == "NOGROUP" || error.code == "WRONGTYPE" {
            return []
        }
    }
}

extension RedisConnection {
    /// Whether a lane of this name said lately that it lives.
    func isAlive(_ consumer: String, group: String) throws(RedisError) -> Bool {
        guard let seen = try heartbeats(group: group)[consumer] else { return false }
        return try serverMilliseconds() - seen < 5_000
    }
}
