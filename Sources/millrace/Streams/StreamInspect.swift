import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

struct StreamInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show one stream: its groups, their consumers, and its newest entries.",
        discussion: """
            Values are cut at \(EntryPreview.limitBytes) bytes; bytes that are not UTF-8 appear as \\xNN.

            EXAMPLES
              millrace stream inspect md:trades
              millrace stream inspect trades-BYBIT-BTC-USDT-PERP --entries 10 --json
            """)

    @Argument(help: "The stream's name.")
    var stream: String

    @Option(name: .long, help: ArgumentHelp("How many of the newest entries.", valueName: "n"))
    var entries = 3

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if !(0...1000).contains(entries) { throw ValidationError("--entries is a number from 0 to 1000") }
    }

    func run() throws {
        let loaded = try source.load()
        let connection = try Servers(loaded).redis()
        let key = StreamKey(stream)
        let now = try connection.serverMilliseconds()
        let group = loaded.settings.consumerGroup
        let report = try StreamReport(
            key, group: group, now: now, paused: try connection.pausedStreams(group: group), on: connection)
        guard report.exists else {
            throw CommandFailure(
                report.problem.map { "\(stream): \($0)" } ?? "there is no stream \(stream)",
                fix: "list them with `millrace stream ls '*'`")
        }
        let facts = StreamDetails(
            report: report, groups: try Self.groups(of: key, on: connection),
            newest: try EntryPreview.newest(entries, of: key, on: connection))
        try output.isJSON ? Output.json(facts) : facts.print(now: now)
    }

    private static func groups(
        of key: StreamKey, on connection: RedisConnection
    ) throws(RedisError) -> [StreamDetails.Group] {
        let facts = try connection.streamFacts(of: key)
        var groups: [StreamDetails.Group] = []
        for group in try connection.groups(of: key) {
            let consumers = try connection.consumers(of: key, group: group.name).map { consumer in
                StreamDetails.Consumer(
                    name: consumer.name, pending: consumer.pending, idleMilliseconds: consumer.idle?.milliseconds)
            }
            groups.append(
                StreamDetails.Group(
                    name: group.name, lastDelivered: group.lastDeliveredID.description, pending: group.pending,
                    lag: facts.flatMap { StreamReport.lag(group, $0) }, consumers: consumers))
        }
        return groups
    }
}
