import ArgumentParser

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check and show the configuration.",
        discussion: """
            EXAMPLES
              millrace config check
              millrace config show
              millrace config show -c millrace.yaml -s batching.rows=5000 --json
            """,
        subcommands: [ConfigCheck.self, ConfigShow.self])
}
