import ArgumentParser
import Migrations

struct MigrateDown: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Take back migrations, and DROP what they made, data included.",
        discussion: """
            One step unless --target-version or --max-steps says otherwise. Asks first; --force does not.

            EXAMPLES
              millrace migrate down --dry-run
              millrace migrate down --force
              millrace migrate down --target-version 0 --force
            """)

    @OptionGroup var options: MigrationOptions
    @Flag(name: .long, help: "Do not ask.")
    var force = false
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let migrator = Migrator(try Servers(try source.load()).postgres(direct: true))
        let planned = try migrator.down(target: options.targetVersion, maxSteps: options.maxSteps, dryRun: true)
        if !options.dryRun, !planned.isEmpty {
            let names = planned.map { "\($0.migration.number) \($0.migration.name)" }.joined(separator: ", ")
            try Confirmation.require("This drops what these migrations made, with all data: \(names).", force: force)
        }
        let steps =
            try options.dryRun
            ? planned : migrator.down(target: options.targetVersion, maxSteps: options.maxSteps)
        let current = try migrator.status().applied.count
        try MigrationReport(.down, steps, options: options, current: current).print(output)
    }
}
