import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

struct ConsumerRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove a consumer that is gone for good from the group.",
        discussion: """
            Removing a consumer drops what it holds, so it is refused while entries are pending; --force gives them to \
            the workers first. A consumer that lives is refused always. The markers epoch:* are not consumers and stay.

            EXAMPLES
              millrace consumer rm old-host.0.0
              millrace consumer rm old-host.0.0 old-host.0.1 --force
            """)

    private struct Line: Encodable {
        var consumer: String
        /// Streams that it was removed from.
        var streams: Int
        /// Entries that were given to the workers before.
        var moved: Int
    }

    @Argument(help: ArgumentHelp("Consumers, by their exact names.", valueName: "consumer"))
    var consumers: [String]

    @Option(name: .long, help: ArgumentHelp("Only from these streams. Repeatable.", valueName: "stream"))
    var stream: [String] = []

    @Flag(name: .long, help: "Give what it holds to the workers first, and do not ask.")
    var force = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let marker = consumers.first(where: { $0.hasPrefix("epoch:") }) {
            throw ValidationError("\(marker) marks the stream's incarnation and must stay")
        }
    }

    func run() throws {
        let loaded = try source.load()
        let group = loaded.settings.consumerGroup
        let connection = try Servers(loaded).redis()
        let streams = try StreamSelection.chosen(stream, loaded.settings, on: connection)
        let known = try GroupConsumers(of: streams, group: group, on: connection).all
        for name in consumers { try check(known.first { $0.name == name }, name) }
        try Confirmation.require("this removes \(consumers.joined(separator: ", ")) from the group", force: force)
        for name in consumers {
            var line = Line(consumer: name, streams: 0, moved: 0)
            let held = known.first { $0.name == name }?.pending ?? 0
            var progress = Progress("moved", total: Int64(held), isShown: force && held > 0 && Progress.isWanted)
            for stream in streams { try remove(name, stream, group, connection, &line, &progress) }
            progress.finish()
            if stream.isEmpty { try connection.removeHeartbeats(of: [name], group: group) }
            if output.isJSON {
                try Output.json(line)
            } else {
                Output.print(
                    "\(SafeText.escape(name)): removed from \(Figures.count(line.streams)) streams"
                        + (line.moved > 0 ? ", \(Figures.count(line.moved)) entries given to the workers" : ""))
            }
        }
    }

    private func check(_ consumer: GroupConsumers.Consumer?, _ name: String) throws {
        guard let consumer else {
            throw CommandFailure("there is no consumer \(name)", fix: "list them with `millrace consumer ls`")
        }
        // One without heartbeats may be somebody's who reads with another program.
        let isReading = consumer.state == .unknown && (consumer.idle ?? .seconds(60)) < .seconds(10)
        guard consumer.state != .alive, !isReading else {
            throw CommandFailure("\(name) is reading", fix: "stop its worker first")
        }
        guard consumer.pending == 0 || force else {
            throw CommandFailure(
                "\(name) holds \(Figures.count(consumer.pending)) pending entries",
                fix: "add --force to give them to the workers first")
        }
    }

    private func remove(
        _ name: String, _ stream: StreamKey, _ group: String, _ connection: RedisConnection, _ line: inout Line,
        _ progress: inout Progress
    ) throws {
        // Entries given to it after the last look make another round.
        for _ in 0..<10 {
            if force { try empty(name, stream, group, connection, &line, &progress) }
            switch try connection.removeConsumer(name, from: group, of: stream) {
            case .absent: return
            case .removed:
                line.streams += 1
                return
            case .pending where force: continue
            case .pending(let count):
                throw CommandFailure("\(name) holds \(Figures.count(count)) entries of \(stream)", fix: "add --force")
            case .busy:
                throw CommandFailure("\(stream) changed at every try", fix: "try again")
            case .removedWith(let count):
                throw CommandFailure(
                    "\(name) was given \(count) entries of \(stream) while it was being removed; they are not pending",
                    fix: "run `millrace reconcile`, which stores them")
            }
        }
        throw CommandFailure("\(name) keeps getting entries of \(stream)", fix: "stop whoever reads in its name")
    }

    private func empty(
        _ name: String, _ stream: StreamKey, _ group: String, _ connection: RedisConnection, _ line: inout Line,
        _ progress: inout Progress
    ) throws(RedisError) {
        var next: StreamID? = .min
        while let from = next {
            let page = try held(by: name, stream, group, from, connection)
            try connection.release(page.map(\.id), of: stream, group: group)
            line.moved += page.count
            progress.update(Int64(line.moved))
            next = page.last?.id.successor
        }
    }

    private func held(
        by name: String, _ stream: StreamKey, _ group: String, _ from: StreamID, _ connection: RedisConnection
    ) throws(RedisError) -> [PendingEntry] {
        do throws(RedisError) {
            return try connection.pending(
                of: stream, group: group, in: IDRange(from, .max), count: 1_000, consumer: name)
        } catch .server(let error) where error.code == "NOGROUP" {
            return []
        }
    }
}
