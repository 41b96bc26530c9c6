import ArgumentParser

struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "List, inspect, watch, pause and trim streams.",
        discussion: """
            EXAMPLES
              millrace stream ls
              millrace stream inspect md:trades
              millrace stream pause md:trades
            """,
        subcommands: [
            StreamList.self, StreamInspect.self, StreamTail.self, StreamPause.self, StreamResume.self, StreamTrim.self,
        ])
}
