import ArgumentParser
import Foundation

struct SelftestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract:
            "Proves on your own servers that nothing is lost and nothing stored twice, with workers being killed.",
        discussion: """
            Makes a stream group, a schema and a table of its own, publishes numbered entries, and lets workers carry \
            them while it kills workers, freezes one, and cuts their connections. Then it compares what was published \
            with what is stored, and removes everything it made, also when it is interrupted. Other streams, groups \
            and tables of records are not touched. Its sources, ledger rows, batches and dead letters go into the \
            tables of schema ingest, beside those of other groups, and are deleted by its group's name; where this user \
            may not delete there, they stay, and it says so. The servers have a little more to do meanwhile. Needs the \
            rights to create a schema and to end sessions of the same user, and in Redis, beside what workers need, \
            CLIENT LIST and CLIENT KILL. Exit code 3 when anything differs, 1 or 78 when it could not be carried to its \
            end: then what it made stays, and it says where.

            EXAMPLES
              millrace selftest
              millrace selftest --entries 200000 --kills 20 --json
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("Entries to publish.", valueName: "n"))
    var entries = 50_000

    @Option(name: .long, help: ArgumentHelp("Entries a second.", valueName: "n"))
    var rate = 5_000

    @Option(name: .long, help: ArgumentHelp("Workers that run side by side.", valueName: "n"))
    var workers = 2

    @Option(name: .long, help: ArgumentHelp("Workers to kill with SIGKILL.", valueName: "n"))
    var kills = 5

    @Option(name: .long, help: ArgumentHelp("Workers to freeze for six seconds.", valueName: "n"))
    var pauses = 1

    @Option(name: .long, help: ArgumentHelp("Times to cut all connections of the workers.", valueName: "n"))
    var cuts = 4

    @Flag(name: .long, help: "Leave the schema, the streams and the workers' logs behind, to look at them.")
    var keep = false

    func validate() throws {
        guard (1...100_000_000).contains(entries), (1...1_000_000).contains(rate), (1...16).contains(workers),
            (0...1_000).contains(kills), (0...100).contains(pauses), (0...1_000).contains(cuts)
        else {
            throw ValidationError(
                "--entries 1 to 100,000,000, --rate 1 to 1,000,000, --workers 1 to 16, --kills, --cuts up to 1000")
        }
    }

    func run() async throws {
        let loaded = try source.load()
        let plan = Selftest.Plan(
            entries: entries, rate: rate, workers: workers, kills: kills, pauses: pauses, cuts: cuts)
        let ground = SelftestGround(loaded, patience: plan.patience)
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-selftest-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var isKept = false
        defer { if !isKept { try? FileManager.default.removeItem(at: folder) } }
        let test = try Selftest(ground: ground, folder: folder, narration: Narration(output), plan: plan)
        Interruption.watch()
        try ground.make()
        let report: SelftestReport
        do {
            report = try await test.run()
        } catch {
            isKept = keep || !Interruption.isAsked
            try? leave(ground, folder, isKept)
            throw error
        }
        if output.isJSON { try Output.json(report) } else { report.print() }
        isKept = keep || !report.isRight
        try leave(ground, folder, isKept)
        if !report.isRight { throw ExitCode(ExitStatus.found) }
    }

    /// Removes what the test made, or says where it is.
    private func leave(_ ground: SelftestGround, _ folder: URL, _ isKept: Bool) throws {
        guard !isKept else {
            return Output.complain("kept: \(ground.place); the workers' logs are in \(folder.path)")
        }
        do {
            try ground.remove()
        } catch {
            Output.complain("not all of it could be removed: \(ground.place)")
            throw error
        }
    }
}
