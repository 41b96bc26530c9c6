import ArgumentParser
import RedisStreams
import RedisWire
import Settings

struct ConsumerList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the consumers of the group over all its streams.",
        discussion: """
            alive: a lane that said so within 5 s. silent: a lane that stopped without a word; what it holds is taken \
            over. unknown: no lane of that name was heard of for a day, or it is not Millrace's. released: holds what \
            workers handed back.

            EXAMPLES
              millrace consumer ls
              millrace consumer ls --stream md:trades --json
            """)

    private struct Line: Encodable {
        var consumer: String
        var state: GroupConsumers.State
        var streams: Int
        var pending: Int
        var idleMilliseconds: Int64?
        var silentMilliseconds: Int64?

        private enum CodingKeys: String, CodingKey {
            case consumer, state, streams, pending
            case idleMilliseconds = "idle_ms"
            case silentMilliseconds = "heartbeat_age_ms"
        }
    }

    @Option(name: .long, help: ArgumentHelp("A stream, or a glob pattern. Repeatable.", valueName: "stream"))
    var stream: [String] = []

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let connection = try Servers(loaded).redis()
        let streams = try StreamSelection.chosen(stream, loaded.settings, on: connection)
        let consumers = try GroupConsumers(of: streams, group: loaded.settings.consumerGroup, on: connection)
        if output.isJSON {
            for item in consumers.all {
                try Output.json(
                    Line(
                        consumer: item.name, state: item.state, streams: item.streams, pending: item.pending,
                        idleMilliseconds: item.idle?.milliseconds, silentMilliseconds: item.silence?.milliseconds))
            }
            return
        }
        guard !consumers.all.isEmpty else { return Output.print("no consumers") }
        var table = Table([
            .init("CONSUMER"), .init("STATE"), .init("STREAMS", number: true), .init("PENDING", number: true),
            .init("IDLE", number: true), .init("HEARTBEAT", number: true),
        ])
        for item in consumers.all {
            table.add([
                item.name, item.state.rawValue, String(item.streams), Figures.count(item.pending),
                item.idle.map { Figures.age($0) } ?? "-", item.silence.map { Figures.age($0) } ?? "-",
            ])
        }
        table.print()
    }
}
