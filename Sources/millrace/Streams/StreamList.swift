import ArgumentParser
import Records
import RedisStreams
import Settings

struct StreamList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List streams: of the configuration, or by name or pattern.",
        discussion: """
            Finds them with SCAN. LAG is what the consumer group has not been given, PENDING what it has not \
            acknowledged; - is not known.

            EXAMPLES
              millrace stream ls
              millrace stream ls 'trades-*' --json
              millrace stream ls '*' --limit 50
            """)

    @Argument(
        help: ArgumentHelp("Names or glob patterns; the configuration's when none are given.", valueName: "stream"))
    var streams: [String] = []

    @OptionGroup var page: PageOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let after = try page.cursor.map { text throws(ValidationError) in
            guard let bytes = HexText.decode(text) else { throw PageOptions.wrongCursor }
            return StreamKey(bytes: bytes)
        }
        let connection = try Servers(loaded).redis()
        let keys = try StreamSelection.chosen(streams, loaded.settings, on: connection)
        let rest = keys.filter { key in after.map { key > $0 } ?? true }
        let now = try connection.serverMilliseconds()
        let paused = try connection.pausedStreams(group: loaded.settings.consumerGroup)
        var table = Self.table
        for key in rest.prefix(page.limit) {
            let group = loaded.settings.consumerGroup
            let report = try StreamReport(key, group: group, now: now, paused: paused, on: connection)
            if output.isJSON { try Output.json(report) } else { table.add(Self.cells(report, now)) }
        }
        if !output.isJSON { rest.isEmpty ? Output.print("no streams") : table.print() }
        page.tellNext(rest.count > page.limit ? HexText.encode(rest[page.limit - 1].bytes) : nil)
    }

    private static var table: Table {
        Table([
            .init("STREAM"), .init("LENGTH", number: true), .init("ADDED", number: true), .init("LAST ID"),
            .init("GROUPS", number: true), .init("LAG", number: true), .init("PENDING", number: true), .init("PAUSED"),
        ])
    }

    private static func cells(_ report: StreamReport, _ now: Int) -> [String] {
        let name = SafeText.escape(report.key.bytes)
        let pause = report.pauseText(now: now) ?? "-"
        guard report.exists else { return [name, report.problem ?? "absent", "-", "-", "-", "-", "-", pause] }
        return [
            name, Figures.count(report.length), Figures.count(report.entriesAdded.map { Int64($0) }),
            report.lastID?.description ?? "-", String(report.groups), Figures.count(report.lag.map { Int64($0) }),
            report.groupExists ? Figures.count(report.pending) : "-", pause,
        ]
    }
}
