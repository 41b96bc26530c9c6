import ArgumentParser

struct ConsumerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consumer", abstract: "List the consumers of the group, and remove those of workers long gone.",
        discussion: """
            EXAMPLES
              millrace consumer ls
              millrace consumer rm old-host.0.0
            """,
        subcommands: [ConsumerList.self, ConsumerRemove.self])
}

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "List the workers of the group.",
        discussion: """
            EXAMPLES
              millrace worker ls
            """,
        subcommands: [WorkerList.self])
}
