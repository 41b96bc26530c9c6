import ArgumentParser
import IngestPipeline
import Logging
import RecordCodec
import Records
import Settings
import Telemetry
import WorkerApp

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a worker: carries stream entries into the database until it is stopped.",
        discussion: """
            SIGTERM, SIGINT or SIGHUP finishes the batches under way, hands back what is pending, and ends. Once it \
            carries entries, an outage of a server never ends it: reading pauses and goes on by itself.

            --drain ends with 0 when every stream of the group is read, committed and acknowledged, and with 1, naming \
            the streams, when that takes longer than --timeout. Then it says what this run committed, and what is left \
            of the group's dead letters; with --json that is one object on standard output, and the log goes to \
            standard error as always.

            EXAMPLES
              millrace run
              millrace run -c millrace.yaml -s lanes=4
              millrace run --drain --timeout 10m
              millrace run --drain --json | jq .rows
            """)

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    @Flag(name: .long, help: "End when everything is stored.")
    var drain = false

    @Flag(name: .long, help: "The same as --drain.")
    var once = false

    @Option(name: .long, help: ArgumentHelp("How long --drain may take, such as 90s or 10m.", valueName: "duration"))
    var timeout: DurationArgument?

    func validate() throws {
        guard !isDrain else { return }
        if timeout != nil { throw ValidationError("--timeout goes with --drain") }
        if output.isJSON { throw ValidationError("--json goes with --drain; -s log.format=json is the log's") }
    }

    func run() async throws {
        let settings = try options.load().settings
        Telemetry.bootstrapLogging(level: settings.log.level.logger, format: settings.log.format.lines)
        let registry = Telemetry.bootstrapMetrics(known: ["table": settings.streams.map(\.table)])
        let application = WorkerApplication(
            settings: settings, version: ProgramVersion.current, registry: registry, log: Logger(label: "millrace"))
        do {
            let end = try await application.run(draining: isDrain ? Worker.Drain(timeout: timeout?.duration) : nil)
            if isDrain, let end { try report(end) }
        } catch let failure as ApplicationFailure {
            throw CommandFailure(
                failure.message, fix: failure.fix,
                status: failure.isConfiguration ? ExitStatus.badConfiguration : ExitStatus.failed)
        }
    }

    private var isDrain: Bool { drain || once }

    private func report(_ end: Worker.RunEnd) throws {
        try RunReport(end.summary, isDrained: end.drain == .done).print(output)
        switch end.drain {
        case .done, nil: return
        case .blocked(let key, .notStream):
            throw CommandFailure("not drained: \(key) is not a stream", fix: "remove the key, or change its mapping")
        case .blocked(let key, .paused):
            throw CommandFailure("not drained: \(key) is paused", fix: "run `millrace stream resume \(key)`")
        case .blocked(let key, .leftOut(let reason)):
            throw CommandFailure("not drained: \(key) is left out", fix: reason)
        case .blocked(let key, .table):
            throw CommandFailure(
                "not drained: the table of \(key) takes no rows", fix: "see the messages above, and mend the table")
        case .timedOut(let keys):
            let named = keys.prefix(5).map(\.description).joined(separator: ", ")
            let more = keys.count > 5 ? " and \(keys.count - 5) more" : ""
            throw CommandFailure(
                keys.isEmpty
                    ? "not drained in time: this worker still has work" : "not drained in time: \(named)\(more)",
                fix: "see `millrace pending ls`, or give --timeout more")
        }
    }
}

/// `250ms`, `10s`, `5m`, `2h` on the command line.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }
}

extension Settings.Log.Level {
    var logger: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}

extension Settings.Log.Format {
    var lines: LogFormat {
        switch self {
        case .text: .text
        case .json: .json
        }
    }
}
