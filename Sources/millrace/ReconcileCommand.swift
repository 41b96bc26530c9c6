import ArgumentParser
import IngestPipeline
import Logging
import Records
import Settings
import Synchronization
import Telemetry
import WorkerApp

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Refills a database that was restored or failed over, from what the streams still hold.",
        discussion: """
            Workers notice that the database went back behind what they had acknowledged; they then read and \
            acknowledge nothing until this has run. It looks at every entry that the configured streams still have and \
            that was delivered before, and stores what the ledger does not know. A table that takes no rows ends it \
            with exit code 1, and workers go on waiting. It may run beside workers and may be repeated.

            EXAMPLES
              millrace reconcile
              millrace reconcile --since 2h
            """)

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("Look only at entries younger than this.", valueName: "duration"))
    var since: DurationArgument?

    private struct Line: Encodable {
        var entries: Int
        var restored: Int
    }

    func run() async throws {
        var settings = try options.load().settings
        // What it refills must be what `audit` looks at.
        settings.postgres.useEnvironment = true
        Telemetry.bootstrapLogging(level: .warning, format: settings.log.format.lines)
        let worker: Worker
        do {
            worker = try await WorkerApplication.prepare(settings, log: Logger(label: "millrace"))
        } catch let failure as ApplicationFailure {
            throw CommandFailure(
                failure.message, fix: failure.fix,
                status: failure.isConfiguration ? ExitStatus.badConfiguration : ExitStatus.failed)
        }
        let seen = Mutex(Seen())
        Interruption.watch()
        let total: RefillCount
        do {
            defer { seen.withLock { $0.progress.finish() } }
            total = try await worker.reconcile(upTo: since?.duration) { stream, count in
                seen.withLock { $0.add(stream, count) }
                return !Interruption.isAsked
            }
        } catch let error as RefillError {
            throw Self.failure(error)
        }
        try show(total, seen.withLock { $0.streams })
    }

    private func show(_ total: RefillCount, _ streams: [(name: StreamKey, restored: Int)]) throws {
        if output.isJSON {
            try Output.json(Line(entries: total.entries, restored: total.restored))
        } else {
            for stream in streams where stream.restored > 0 {
                Output.complain("\(stream.name): \(Figures.count(stream.restored)) entries were missing")
            }
            Output.print(
                "looked at \(total.entries) entries; \(total.restored) were missing and are rows or dead letters now")
        }
        if since != nil {
            Output.complain("older entries were not looked at; `millrace audit` tells whether any of them is missing")
        }
    }

    /// What was looked at until now.
    private struct Seen {
        var progress = Progress("looked at", total: nil)
        var entries = 0
        var streams: [(name: StreamKey, restored: Int)] = []

        mutating func add(_ stream: StreamKey, _ count: RefillCount) {
            if streams.last?.name != stream { streams.append((stream, 0)) }
            streams[streams.count - 1].restored += count.restored
            entries += count.entries
            progress.update(Int64(entries))
        }
    }

    private static func failure(_ error: RefillError) -> CommandFailure {
        switch error {
        case .tableHeld(let stream, let table, let reason):
            CommandFailure(
                "\(stream) is not refilled: table \(table) takes no rows (\(reason))",
                fix: "mend the table, then run `millrace reconcile` again; workers go on waiting")
        case .left(let stream, let entries):
            CommandFailure(
                "\(stream) is not refilled: \(entries) entries could not be stored",
                fix: "look at the log of the workers, then run `millrace reconcile` again")
        case .stopped:
            CommandFailure("stopped before the end; run it again, workers go on waiting")
        }
    }
}
