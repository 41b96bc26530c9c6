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
            """)

    @OptionGroup var options: MigrationOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let migrator = Migrator(try Servers(try source.load()).postgres(direct: true))
        let steps = try migrator.up(
            target: options.targetVersion, maxSteps: options.maxSteps, dryRun: options.dryRun)
        let current = try migrator.status().applied.count
        try MigrationReport(.up, steps, options: options, current: current).print(output)
    }
}
