import ArgumentParser
import PostgresCopy
import Settings

struct RetryNow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "now", abstract: "Make scheduled retries due: the next worker that looks takes them.",
        discussion: """
            EXAMPLES
              millrace retry now --all
              millrace retry now --table market_data_trades --json
            """)

    @OptionGroup var letters: LetterOptions

    @Flag(name: .long, help: "Every scheduled letter.")
    var all = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var due: Int
    }

    mutating func validate() throws {
        try letters.requireChoice(all: all)
    }

    func run() throws {
        let loaded = try source.load()
        var selection = letters.selection()
        selection.isScheduled = true
        let desk = try LetterDesk(loaded)
        try desk.requireNamed(in: selection, as: "scheduled dead letter")
        let store = desk.store
        let count = try store.count(selection, deadline: LetterDesk.deadline)
        let due = try LetterWork("made due", total: count).make(
            .retryNow(maximumAttempts: loaded.settings.retry.maxAttempts), of: selection, in: store)
        try output.isJSON ? Output.json(Line(due: due)) : Output.print("\(Figures.count(due)) letters are due now")
        try LetterWork.requireEnd()
    }
}

struct RetryCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Take letters out of the schedule; they wait for `dlq replay`.",
        discussion: """
            EXAMPLES
              millrace retry cancel --id 1690000000000-0
              millrace retry cancel --all --force
            """)

    @OptionGroup var letters: LetterOptions

    @Flag(name: .long, help: "Every scheduled letter.")
    var all = false

    @Flag(name: .long, help: "Do not ask.")
    var force = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var cancelled: Int
    }

    mutating func validate() throws {
        try letters.requireChoice(all: all)
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        try desk.requireNamed(in: letters.selection(nil))
        let store = desk.store
        var selection = letters.selection()
        selection.isScheduled = true
        let count = try store.count(selection, deadline: LetterDesk.deadline)
        if count > 0 {
            try Confirmation.require(
                "this cancels the retries of \(Figures.count(count)) dead letters", force: force)
        }
        let cancelled = try LetterWork("cancelled", total: count).make(.cancelRetry, of: selection, in: store)
        try output.isJSON
            ? Output.json(Line(cancelled: cancelled))
            : Output.print("\(Figures.count(cancelled)) letters wait for an operator now")
        try LetterWork.requireEnd()
    }
}
