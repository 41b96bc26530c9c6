import ArgumentParser
import Migrations

struct MigrateUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Apply the migrations that the database lacks.",
        discussion: """
            Needs the owner of the schema. Many may run it at once: each step is applied by one of them.

            EXAMPLES
              millrace migrate up
              millrace migrate up --dry-run --show-sql
              millrace migrate up --target-version 1
              millrace migrate up --baseline 3
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write down that a database made without this program has the first n migrations, then go on from there.",
            valueName: "n"))
    var baseline: Int?

    @OptionGroup var options: MigrationOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let baseline, !(1...Migration.shipped.count).contains(baseline) {
            throw ValidationError("--baseline is a number from 1 to \(Migration.shipped.count)")
        }
    }

    func run() throws {
        let migrator = Migrator(try Servers(try source.load()).postgres(direct: true))
        if let baseline, !options.dryRun { try migrator.baseline(baseline) }
        let steps = try migrator.up(
            target: options.targetVersion, maxSteps: options.maxSteps, dryRun: options.dryRun)
        let current = try migrator.status().applied.count
        try MigrationReport(.up, steps, options: options, current: current).print(output)
    }
}
