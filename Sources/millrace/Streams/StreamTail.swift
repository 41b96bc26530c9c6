import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

struct StreamTail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Show the newest entries of a stream and wait for more, until Ctrl-C.",
        discussion: """
            Reads without a group: workers do not notice. Values are cut at \(EntryPreview.limitBytes) bytes; with \
            --json each entry is one line.

            EXAMPLES
              millrace stream tail md:trades
              millrace stream tail md:trades --entries 0 --count 100 --json
            """)

    @Argument(help: "The stream's name.")
    var stream: String

    @Option(name: .long, help: ArgumentHelp("How many of the entries that are there already.", valueName: "n"))
    var entries = 10

    @Option(name: .long, help: ArgumentHelp("End after so many entries.", valueName: "n"))
    var count: Int?

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(0...1000).contains(entries) { throw ValidationError("--entries is a number from 0 to 1000") }
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
    }

    func run() throws {
        let loaded = try source.load()
        let connection = try Servers(loaded).redis()
        let key = StreamKey(stream)
        guard try ["stream", "none"].contains(connection.type(of: key)) else {
            throw CommandFailure("\(stream) is not a stream")
        }
        var left = count ?? .max
        var last = try connection.streamFacts(of: key)?.lastGeneratedID ?? .min
        for entry in try EntryPreview.newest(entries, of: key, on: connection).reversed() where left > 0 {
            try show(entry)
            last = max(last, StreamID(entry.id) ?? last)
            left -= 1
        }
        while left > 0, Output.failure == nil {
            let reply = try connection.command(
                "XREAD", "COUNT", .integer(min(left, 100)), "BLOCK", 1_000, "STREAMS", .key(key), .id(last))
            guard let found = reply.array?.first?.array?.last?.array else { continue }
            for entry in found.compactMap(EntryPreview.init) {
                try show(entry)
                last = max(last, StreamID(entry.id) ?? last)
                left -= 1
            }
        }
    }

    private func show(_ entry: EntryPreview) throws {
        if output.isJSON { return try Output.json(entry) }
        let fields = entry.fields.map { field in
            "\(SafeText.escape(field.name))=\(SafeText.escape(field.value))\(field.isCut ? "…" : "")"
        }
        Output.print("\(entry.id)  \(fields.joined(separator: " "))")
    }
}
