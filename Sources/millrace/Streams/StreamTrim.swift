import ArgumentParser
import IngestPipeline
import PostgresWire
import Records
import RedisStreams
import RedisWire
import Settings

struct StreamTrim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim", abstract: "Remove from streams what is stored and nobody needs any more.",
        discussion: """
            Never removed: what some group of the stream has not acknowledged (all groups, not only Millrace's), what \
            the ledger does not have, entries younger than the retention, and entries that an open dead letter only \
            refers to. Nothing is removed while the database has gone back behind what was acknowledged.

            Whole nodes of the stream go, so that some entries more than these may stay. The retention is the \
            configuration's trim.retention; a shorter one leaves less to refill a restored database from, and needs \
            --force. `trim.mode: acked` lets workers do this by themselves. Ends with 1 when a stream could not be judged: the group does not read it, the database \
            does not know it or went back, groups were being made anew.

            EXAMPLES
              millrace stream trim md:trades --dry-run
              millrace stream trim 'ticker-*' --retention 6h --force
            """)

    @OptionGroup var selection: NamedStreams

    @Option(
        name: .long, help: ArgumentHelp("Younger entries stay; trim.retention when not given.", valueName: "duration"))
    var retention: DurationArgument?

    @Flag(name: .long, help: "Say what would go, and remove nothing.")
    var dryRun = false

    @Flag(name: .long, help: "Do not ask.")
    var force = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var stream: String
        var length: Int?
        /// Entries below this id may go.
        var below: String?
        var removed: Int?
        var obstacle: String?
    }

    func run() throws {
        let loaded = try source.load()
        let age = try age(loaded.settings.trim.retention)
        let servers = try Servers(loaded).group()
        let trimming = StreamTrimming(servers)
        var due: [Candidate] = []
        var hasFailed = false
        for key in try selection.find(on: servers.redis) {
            switch try trimming.survey(key, retention: age) {
            case .success(let survey): due.append((key, survey))
            case .failure(let obstacle):
                try tell(key, nil, obstacle: obstacle)
                hasFailed = hasFailed || Self.isFailure(obstacle)
            }
        }
        if dryRun {
            for item in due { try tell(item.key, item.survey) }
        } else if !due.isEmpty, try !trim(due, age, trimming) {
            hasFailed = true
        }
        if hasFailed { throw ExitCode(ExitStatus.failed) }
    }

    /// What the streams' owner configured holds for everybody, unless somebody insists.
    private func age(_ configured: Duration) throws(CommandFailure) -> Duration {
        guard let age = retention?.duration, age < configured else { return retention?.duration ?? configured }
        let words =
            "--retention \(Figures.age(age)) is below trim.retention (\(Figures.age(configured))): "
            + "younger entries go, too, and cannot be stored again when the database has to be restored"
        guard force || dryRun else {
            throw CommandFailure(words, fix: "add --force if that is what you want", status: ExitStatus.wrongUse)
        }
        Output.complain("warning: \(words)")
        return age
    }

    private typealias Candidate = (key: StreamKey, survey: StreamTrimming.Survey)

    /// - Returns: whether nothing stood in the way.
    private func trim(_ due: [Candidate], _ age: Duration, _ trimming: StreamTrimming) throws -> Bool {
        let entries = due.reduce(0) { $0 + $1.survey.length }
        try Confirmation.require(
            "this removes what is stored from \(due.count) streams with \(Figures.count(entries)) entries", force: force
        )
        var isDone = true
        var removed = 0
        var progress = Progress("removed", total: nil)
        for item in due {
            let result = try trimming.trim(item.key, retention: age) { count in
                removed += count
                progress.update(Int64(removed))
            }
            progress.finish()
            switch result {
            case .success(let count): try tell(item.key, item.survey, removed: count)
            case .failure(let obstacle):
                try tell(item.key, item.survey, obstacle: obstacle)
                isDone = isDone && !Self.isFailure(obstacle)
            }
        }
        return isDone
    }

    /// A stream that needs no trimming is in order; one that could not be judged is not.
    private static func isFailure(_ obstacle: StreamTrimming.Obstacle) -> Bool {
        switch obstacle {
        case .empty, .nothingDue: false
        case .noGroup, .unknownSource, .destinationWentBack, .changed: true
        }
    }

    private func tell(
        _ key: StreamKey, _ survey: StreamTrimming.Survey?, removed: Int? = nil,
        obstacle: StreamTrimming.Obstacle? = nil
    ) throws {
        let reason = obstacle.map(Self.words)
        if output.isJSON {
            return try Output.json(
                Line(
                    stream: JSONName(key).text, length: survey?.length, below: survey?.limit.description,
                    removed: removed, obstacle: reason))
        }
        let name = SafeText.escape(key.bytes)
        if let reason { return Output.print("\(name): \(reason)") }
        guard let survey else { return }
        if let removed { return Output.print("\(name): \(Figures.count(removed)) entries removed") }
        Output.print("\(name): of \(Figures.count(survey.length)) entries those below \(survey.limit) would go")
    }

    private static func words(_ obstacle: StreamTrimming.Obstacle) -> String {
        switch obstacle {
        case .empty: "nothing to remove: there is no such stream, or it is empty"
        case .noGroup: "nothing is removed: the consumer group does not read it"
        case .unknownSource: "nothing is removed: the database does not know this stream"
        case .nothingDue:
            "nothing to remove: the oldest entry is too young, not acknowledged by every group, or not stored"
        case .destinationWentBack:
            "nothing is removed: the database went back behind what was acknowledged; run `millrace reconcile`"
        case .changed: "nothing is removed: groups were being made anew; try again"
        }
    }
}
