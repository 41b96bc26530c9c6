import ArgumentParser

struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Make, show and check the database's schema.",
        discussion: """
            EXAMPLES
              millrace migrate up
              millrace migrate status --json
              millrace migrate up --dry-run --show-sql
              PGHOST=db.example PGDATABASE=market millrace migrate validate
            """,
        subcommands: [
            MigrateUp.self, MigrateDown.self, MigrateStatus.self, MigrateValidate.self, MigrateSQL.self,
        ])
}

/// How far a migration goes, and how much it tells.
struct MigrationOptions: ParsableArguments {
    @Flag(name: .long, help: "Show what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: .customLong("show-sql"), help: "Print the SQL of each step.")
    var showSQL = false

    @Option(name: .long, help: ArgumentHelp("The last step that is to be applied.", valueName: "n"))
    var targetVersion: Int?

    @Option(name: .long, help: ArgumentHelp("At most so many steps.", valueName: "n"))
    var maxSteps: Int?

    mutating func validate() throws {
        if let targetVersion, targetVersion < 0 { throw ValidationError("--target-version is a number from 0") }
        if let maxSteps, maxSteps < 1 { throw ValidationError("--max-steps is a number from 1") }
    }
}
