import ArgumentParser

struct DeadLetterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq", abstract: "Dead letters: find, understand, correct and replay them.",
        discussion: """
            A dead letter is an entry that could not become a row. It is kept, with its fields as they came, in the \
            transaction that recorded the entry as disposed of. `docs/dead-letters.md` is the guide.

            EXAMPLES
              millrace dlq groups
              millrace dlq ls --cause not_a_number --limit 20
              millrace dlq replay --table market_data_trades --dry-run
            """,
        subcommands: [
            LetterList.self, LetterGroups.self, LetterInspect.self, LetterReplayCommand.self, LetterEditCommand.self,
            LetterExport.self, LetterDelete.self,
        ])
}

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Dead letters that workers try again by themselves.",
        discussion: """
            Letters that may heal (a missing reference, a partition not made yet) have a time for the next try: 8 \
            tries, 1 minute doubled up to 2 hours (retry.*). After the last they wait for `millrace dlq replay`.

            EXAMPLES
              millrace retry ls
              millrace retry now --table market_data_trades
            """,
        subcommands: [RetryList.self, RetryNow.self, RetryCancel.self])
}
