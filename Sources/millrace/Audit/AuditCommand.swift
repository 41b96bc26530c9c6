import ArgumentParser
import IngestPipeline
import PostgresWire
import Records
import RedisStreams
import RedisWire
import Settings

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check, entry by entry, that everything that was read is stored or pending.",
        discussion: """
            Goes over every entry that the streams still hold, up to the last one given to the group: each must be in \
            the ledger (stored, or a dead letter) or pending. It may run beside workers and changes nothing. Entries \
            that were trimmed cannot be looked at; `stats` accounts for them by their number.

            Ends with 3 when entries are missing, `millrace reconcile` stores them; otherwise with 1 when a stream could \
            not be looked at to its end, such as one that is gone from Redis, or one that was read and that the \
            database does not know: then it is another database, or an older copy.

            EXAMPLES
              millrace audit
              millrace audit --since 2h --json
              millrace audit md:trades
            """)

    private static let shownIDs = 20

    private struct Line: Encodable {
        var stream: String
        var entries = 0
        var pending = 0
        var missing = 0
        /// The first of them.
        var missingIDs: [String] = []
        /// Everything up to here, from where the audit began, is in the ledger, but for what is missing.
        var auditedUpTo: String?
        /// Why it was not looked at to its end.
        var problem: String?

        private enum CodingKeys: String, CodingKey {
            case stream, entries, pending, missing, problem
            case missingIDs = "missing_ids"
            case auditedUpTo = "audited_up_to"
        }
    }

    @Argument(help: ArgumentHelp("Names or glob patterns; all streams of the group if none.", valueName: "stream"))
    var streams: [String] = []

    @Option(name: .long, help: ArgumentHelp("Look only at entries younger than this.", valueName: "duration"))
    var since: DurationArgument?

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let servers = try Servers(loaded).group()
        let audit = StreamAudit(servers)
        let chosen = try choose(from: find(audit, servers, loaded.settings))
        let first = try start(servers.redis)
        var progress = Progress("audited", total: nil)
        var done = 0
        var lines: [Line] = []
        for (stream, source) in chosen {
            guard let source else {
                lines.append(Line(stream: JSONName(stream).text, problem: "the database does not know this stream"))
                continue
            }
            lines.append(
                try look(at: stream, source, from: first, audit) { count in
                    done += count
                    progress.update(Int64(done))
                })
        }
        progress.finish()
        try show(lines)
        if lines.contains(where: { $0.missing > 0 }) { throw ExitCode(ExitStatus.found) }
        let cut = lines.count(where: { $0.problem != nil })
        if cut > 0 { throw CommandFailure("\(cut) of \(lines.count) streams were not audited to the end") }
    }

    /// A stream without a source is one that was read and that the database does not know.
    private typealias Candidate = (stream: StreamKey, source: SourceNumber?)

    private func find(_ audit: StreamAudit, _ servers: GroupServers, _ settings: Settings) throws -> [Candidate] {
        let (known, unknown) = try audit.streams(
            configured: try StreamSelection.configured(settings, on: servers.redis))
        return known.map { ($0.stream, $0.source) } + unknown.map { ($0, nil) }
    }

    /// Nothing is known of a stream that the database does not ingest: to say nothing would sound like "all is well".
    /// Patterns are matched here, since Redis does not find a stream that is gone.
    private func choose(from known: [Candidate]) throws(CommandFailure) -> [Candidate] {
        for selector in streams where !known.contains(where: { StreamSelection.names(selector, $0.stream) }) {
            throw CommandFailure(
                "the database ingests no stream \(selector) through this group", fix: "see `millrace stream ls`")
        }
        return known.filter { item in streams.isEmpty || streams.contains { StreamSelection.names($0, item.stream) } }
    }

    private func start(_ redis: RedisConnection) throws(RedisError) -> StreamID {
        guard let since else { return .min }
        let age = Int(since.duration / .milliseconds(1))
        return StreamID(milliseconds: UInt64(max(0, try redis.serverMilliseconds() - age)), sequence: 0)
    }

    private func look(
        at stream: StreamKey, _ source: SourceNumber, from first: StreamID, _ audit: StreamAudit,
        progress: (Int) -> Void
    ) throws -> Line {
        var line = Line(stream: JSONName(stream).text)
        var next: StreamID? = first
        // Streams whose group is made anew meanwhile are looked at again, but not for ever.
        var patience = 100
        while let from = next {
            guard patience > 0 else {
                line.problem = "the group is made anew again and again"
                break
            }
            guard let page = try audit.page(of: stream, source, from: from) else {
                line.problem = "the stream, or its group, is gone from Redis"
                break
            }
            if page.next == from { patience -= 1 }
            line.entries += page.entries
            line.pending += page.pending
            line.missing += page.missing.count
            line.missingIDs += page.missing.prefix(Self.shownIDs - line.missingIDs.count).map(\.description)
            if line.pending == 0 || line.auditedUpTo == nil { line.auditedUpTo = page.upTo.description }
            next = page.next
            progress(page.entries)
        }
        return line
    }

    private func show(_ lines: [Line]) throws {
        if output.isJSON {
            for line in lines { try Output.json(line) }
            return
        }
        var table = Table([
            .init("STREAM"), .init("ENTRIES", number: true), .init("PENDING", number: true),
            .init("MISSING", number: true), .init("AUDITED UP TO"), .init("PROBLEM"),
        ])
        for line in lines {
            table.add([
                line.stream, Figures.count(line.entries), Figures.count(line.pending), Figures.count(line.missing),
                line.auditedUpTo ?? "-", line.problem ?? "-",
            ])
        }
        table.print()
        for line in lines where line.missing > 0 {
            let others = line.missing - line.missingIDs.count
            let more = others > 0 ? " and \(Figures.count(others)) more" : ""
            Output.print("\(SafeText.escape(line.stream)): missing \(line.missingIDs.joined(separator: " "))\(more)")
        }
        let missing = lines.reduce(0) { $0 + $1.missing }
        if missing > 0 { Output.complain("fix: `millrace reconcile` stores what the streams still hold") }
    }
}
