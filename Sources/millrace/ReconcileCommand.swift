import ArgumentParser
import Foundation
import IngestPipeline
import Logging
import Records
import Settings
import Telemetry
import WorkerApp

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Refills a database that was restored or failed over, from what the streams still hold.",
        discussion: """
            Workers notice that the database went back behind what they had acknowledged; they then read and \
            acknowledge nothing until this has run. It looks at every entry that the configured streams still have and \
            stores what the ledger does not know. It may run beside workers and may be repeated.

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
        let first = since.map { since in
            let milliseconds = Date().timeIntervalSince1970 * 1_000 - since.duration / .milliseconds(1)
            return StreamID(milliseconds: UInt64(max(0, milliseconds)), sequence: 0)
        }
        let isJSON = output.isJSON
        let total = try await worker.reconcile(since: first ?? .min) { stream, count in
            if count.restored > 0, !isJSON {
                Output.complain("\(stream): \(count.restored) of \(count.entries) entries were missing")
            }
        }
        if isJSON {
            try Output.json(Line(entries: total.entries, restored: total.restored))
        } else {
            Output.print("looked at \(total.entries) entries; \(total.restored) were missing and are stored now")
        }
    }
}
