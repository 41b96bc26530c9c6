import ArgumentParser

struct PendingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending", abstract: "Entries that were delivered and are not acknowledged.",
        discussion: """
            EXAMPLES
              millrace pending ls
              millrace pending ls --stream md:trades --idle 30s
              millrace pending release --stream md:trades --idle 10m
            """,
        subcommands: [PendingList.self, PendingClaim.self, PendingRelease.self])
}
