import ArgumentParser

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Look after the database: chunks, retention, compression, documentation.",
        discussion: """
            EXAMPLES
              millrace db lifecycle show
              millrace db maintain --dry-run
              millrace db docs
            """,
        subcommands: [DatabaseMaintain.self, LifecycleCommand.self, DatabaseDocs.self])
}
