import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

struct PendingList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List pending entries, stream by stream, ascending.",
        discussion: """
            EXAMPLES
              millrace pending ls
              millrace pending ls --stream md:trades --consumer worker-1.0.0 --idle 30s
              millrace pending ls --limit 100 --json
            """)

    private struct Line: Encodable {
        var stream: String
        var streamHex: String?
        var id: String
        var consumer: String
        var idleMilliseconds: Int64
        var deliveries: Int

        private enum CodingKeys: String, CodingKey {
            case stream, id, consumer, deliveries
            case streamHex = "stream_hex"
            case idleMilliseconds = "idle_ms"
        }
    }

    @Option(name: .long, help: ArgumentHelp("A stream, or a glob pattern. Repeatable.", valueName: "stream"))
    var stream: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only of this consumer.", valueName: "name"))
    var consumer: String?

    @Option(name: .long, help: ArgumentHelp("Only what was delivered at least so long ago.", valueName: "duration"))
    var idle: DurationArgument?

    @OptionGroup var page: PageOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        _ = try start()
    }

    func run() throws {
        let loaded = try source.load()
        let connection = try Servers(loaded).redis()
        let start = try start()
        try StreamSelection.requireGroup(loaded.settings.consumerGroup, of: stream, on: connection)
        let streams = try StreamSelection.chosen(stream, loaded.settings, on: connection)
        var scan = PendingScan(
            group: loaded.settings.consumerGroup, consumer: consumer, minimumIdle: idle?.duration ?? .zero,
            limit: page.limit)
        for key in streams where start.map({ key >= $0.stream }) ?? true {
            try scan.read(key, from: key == start?.stream ? start?.id : nil, on: connection)
            if scan.next != nil { break }
        }
        try show(scan.found)
        page.tellNext(scan.next.map { "\($0.id)@\(HexText.encode($0.stream.bytes))" })
    }

    private func show(_ found: [PendingScan.Item]) throws {
        if output.isJSON {
            for item in found {
                let name = JSONName(item.stream)
                try Output.json(
                    Line(
                        stream: name.text, streamHex: name.hex, id: item.entry.id.description,
                        consumer: item.entry.consumer, idleMilliseconds: item.entry.idle.milliseconds,
                        deliveries: item.entry.deliveries))
            }
            return
        }
        guard !found.isEmpty else { return Output.print("nothing is pending") }
        var table = Table([
            .init("STREAM"), .init("ID"), .init("CONSUMER"), .init("IDLE", number: true),
            .init("DELIVERIES", number: true),
        ])
        for item in found {
            table.add([
                SafeText.escape(item.stream.bytes), item.entry.id.description, item.entry.consumer,
                Figures.age(item.entry.idle), String(item.entry.deliveries),
            ])
        }
        table.print()
    }

    /// A cursor is `<id>@<stream in hexadecimal>`: the first entry of the next page.
    private func start() throws(ValidationError) -> (stream: StreamKey, id: StreamID)? {
        guard let cursor = page.cursor else { return nil }
        let parts = cursor.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = StreamID(parts[0]), let bytes = HexText.decode(parts[1]) else {
            throw PageOptions.wrongCursor
        }
        return (StreamKey(bytes: bytes), id)
    }
}
