import ArgumentParser

struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "List and inspect streams.",
        discussion: """
            EXAMPLES
              millrace stream ls
              millrace stream inspect md:trades
            """,
        subcommands: [StreamList.self, StreamInspect.self])
}
