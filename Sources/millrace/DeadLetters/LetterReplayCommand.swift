import ArgumentParser
import Glibc
import IngestPipeline
import PostgresCopy
import Records
import Settings
import Synchronization
import WorkerApp

struct LetterReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Try open dead letters again, under their original ids.",
        discussion: """
            Each letter is stored at most once: the transaction that stores it closes it. So a replay may be started \
            twice, run beside another one, be interrupted and be run again. Letters that fail again stay open, with \
            the attempt in their log; their neighbours are stored.

            --dry-run tries everything in transactions that are rolled back. --set and --unset change every chosen \
            letter first, and keep the change also when the letter fails; so they ask when there are several, unless \
            --force is given. The original fields stay in the table, `dlq edit --reset` goes back to them. Ends with 3 \
            when letters still fail, and with 1, before anything is tried, when there is no letter of an id.

            EXAMPLES
              millrace dlq replay --table market_data_trades --dry-run
              millrace dlq replay --fingerprint 8f2c41d09b3e7a55
              millrace dlq replay --id 1690000000000-0 --set price=101.5
              millrace dlq replay --all --rate 2000
            """)

    @OptionGroup var letters: LetterOptions

    @Flag(name: .long, help: "Every open letter.")
    var all = false

    @Flag(name: .long, help: "Say what would happen; change nothing.")
    var dryRun = false

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("Give a field this value first. Repeatable.", valueName: "field=value"))
    var set: [FieldArgument] = []

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("Take a field away first. Repeatable.", valueName: "field"))
    var unset: [String] = []

    @Option(name: .long, help: ArgumentHelp("At most so many letters a second.", valueName: "n"))
    var rate: Int?

    @Flag(name: .long, help: "Do not ask before several letters are edited.")
    var force = false

    @OptionGroup var source: ShortConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        try letters.requireChoice(all: all)
        if let rate, !(1...10_000_000).contains(rate) { throw ValidationError("--rate is a number from 1") }
    }

    func run() async throws {
        let loaded = try source.load()
        let servers = Servers(loaded)
        let settings = PipelineSettings(
            loaded.settings, redis: try servers.redisEndpoint(), postgres: try servers.postgresEndpoint())
        if !letters.id.isEmpty { try LetterDesk(loaded).requireNamed(in: letters.selection(nil)) }
        let replayer = try await Self.replayer(settings)
        var options = LetterReplayer.Options(actor: "replay by \(LetterDesk.person)")
        options.isDryRun = dryRun
        options.edits = edits
        if let rate { options.pageLetters = max(1, min(LetterStore.pageLetters, rate / 4)) }
        let total = try await prepare(replayer, &options)
        Interruption.watch()
        let (tally, failure) = await replay(replayer, options, total: total)
        if failure == nil || tally.total > 0 { try ReplayReport(tally, isDryRun: dryRun).print(output) }
        if let failure { throw Self.told(failure) }
        if let held = tally.heldTables.min(by: { $0.key < $1.key }) {
            let count = Figures.count(tally.held)
            throw CommandFailure(
                "\(count) letters were not tried: table \(held.key) takes no rows (\(held.value))",
                fix: "mend the table, then run it again")
        }
        if Interruption.isAsked { throw CommandFailure("stopped before the end; run it again to go on") }
        if tally.failed > 0 { throw ExitCode(ExitStatus.found) }
    }

    private static func replayer(_ settings: PipelineSettings) async throws(CommandFailure) -> LetterReplayer {
        do throws(StartupFailure) {
            return try await LetterReplayer(settings)
        } catch {
            throw CommandFailure(
                "\(error)", status: error.isConfiguration ? ExitStatus.badConfiguration : ExitStatus.failed)
        }
    }

    private static func told(_ failure: ReplayFailure) -> CommandFailure {
        var told = failure.postgres.map { Servers.failure($0) } ?? CommandFailure("\(failure)")
        told.message = "the replay ended early: \(told.message)"
        told.fix = told.fix ?? "when the cause is gone, run it again: what is stored stays, it goes on with the rest"
        return told
    }

    private var edits: [LetterEdit] {
        self.set.map { .set($0.name, to: $0.value) } + unset.map { .remove(Array($0.utf8)) }
    }

    /// Counts the letters, and asks before several of them are edited: that stays, whatever becomes of the replay.
    /// Letters that come up while somebody thinks about it are left out.
    private func prepare(
        _ replayer: LetterReplayer, _ options: inout LetterReplayer.Options
    ) async throws(CommandFailure) -> Int {
        let count: Int
        do throws(ReplayFailure) {
            options.moment = try await replayer.now()
            count = try await replayer.count(letters.selection())
        } catch {
            throw Self.told(error)
        }
        if !dryRun, !edits.isEmpty, count > 1 {
            let changes = set.map { "sets \(SafeText.escape($0.name))" } + unset.map { "takes away \($0)" }
            try Confirmation.require(
                "this edits \(Figures.count(count)) dead letters: it \(changes.joined(separator: ", "))", force: force)
        }
        return count
    }

    private struct Shown {
        var progress: Progress
        var tally = ReplayTally()
    }

    /// - Returns: what became of the letters, to the end or until a server failed.
    private func replay(
        _ replayer: LetterReplayer, _ options: LetterReplayer.Options, total: Int
    ) async -> (tally: ReplayTally, failure: ReplayFailure?) {
        let shown = Mutex(Shown(progress: Progress(dryRun ? "tried" : "replayed", total: Int64(total))))
        let pacer = rate.map { Pacer(rate: $0, start: .now) }
        var failure: ReplayFailure?
        do throws(ReplayFailure) {
            _ = try await replayer.run(letters.selection(), options) { tally in
                shown.withLock {
                    $0.tally = tally
                    $0.progress.update(Int64(tally.total))
                }
                while !Interruption.isAsked, let end = pacer?.pause(before: Int64(tally.total), now: .now) {
                    usleep(UInt32(max(0, min(ContinuousClock.now.duration(to: end).milliseconds, 100)) * 1_000))
                }
                return !Interruption.isAsked
            }
        } catch {
            failure = error
        }
        shown.withLock { $0.progress.finish() }
        return (shown.withLock { $0.tally }, failure)
    }
}

/// `field=value`
struct FieldArgument: ExpressibleByArgument {
    let name: [UInt8]
    let value: [UInt8]

    init?(argument: String) {
        guard let mark = argument.firstIndex(of: "="), mark != argument.startIndex else { return nil }
        name = Array(argument[..<mark].utf8)
        value = Array(argument[argument.index(after: mark)...].utf8)
    }
}
