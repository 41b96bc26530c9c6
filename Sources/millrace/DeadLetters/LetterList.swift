import ArgumentParser
import PostgresCopy
import Records
import Settings

struct LetterList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List dead letters, the newest first.",
        discussion: """
            EXAMPLES
              millrace dlq ls
              millrace dlq ls --stream md:trades --since 2h --json
              millrace dlq ls --state replayed --limit 100
            """)

    enum StateArgument: String, CaseIterable, ExpressibleByArgument {
        case open, replayed, discarded, any

        var state: LetterSelection.State? {
            switch self {
            case .open: .open
            case .replayed: .replayed
            case .discarded: .discarded
            case .any: nil
            }
        }
    }

    @OptionGroup var letters: LetterOptions

    @Option(name: .long, help: "Letters in this state.")
    var state = StateArgument.open

    @OptionGroup var page: PageOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let cursor = page.cursor, LetterCursor(cursor) == nil { throw PageOptions.wrongCursor }
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        let found = try desk.store.list(
            letters.selection(state.state), limit: page.limit + 1, after: page.cursor.flatMap { LetterCursor($0) },
            deadline: LetterDesk.deadline)
        let shown = found.prefix(page.limit)
        try LetterTable.show(Array(shown), asJSON: output.isJSON)
        page.tellNext(found.count > page.limit ? shown.last?.cursor.description : nil)
    }
}

struct RetryList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List dead letters that will be tried again, the newest first.",
        discussion: """
            EXAMPLES
              millrace retry ls
              millrace retry ls --table market_data_trades --json
            """)

    @OptionGroup var letters: LetterOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let cursor = page.cursor, LetterCursor(cursor) == nil { throw PageOptions.wrongCursor }
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        var selection = letters.selection()
        selection.isScheduled = true
        let found = try desk.store.list(
            selection, limit: page.limit + 1, after: page.cursor.flatMap { LetterCursor($0) },
            deadline: LetterDesk.deadline)
        let shown = found.prefix(page.limit)
        try LetterTable.show(Array(shown), asJSON: output.isJSON, none: "no dead letter is scheduled")
        page.tellNext(found.count > page.limit ? shown.last?.cursor.description : nil)
    }
}

/// Letters for people, or as lines of JSON.
enum LetterTable {
    /// - Parameter none: what to say when there are none.
    static func show(_ letters: [ListedLetter], asJSON: Bool, none: String = "no dead letters") throws {
        if asJSON {
            for letter in letters { try Output.json(LetterLine(letter: letter)) }
            return
        }
        guard !letters.isEmpty else { return Output.print(none) }
        var table = Table([
            .init("LETTER"), .init("STREAM"), .init("SINCE"), .init("TRIES", number: true), .init("NEXT TRY"),
            .init("REASON"),
        ])
        for letter in letters {
            table.add([
                letter.key.description, SafeText.escape(letter.stream.bytes), letter.createdAt.uptoSeconds,
                String(letter.attempts), letter.nextRetry?.uptoSeconds ?? letter.stateForPeople, letter.reason,
            ])
        }
        table.print()
    }
}

extension ListedLetter {
    fileprivate var stateForPeople: String { state == .open ? "-" : state.word }
}

extension String {
    /// An ISO time without its fraction.
    var uptoSeconds: String { firstIndex(of: ".").map { self[..<$0] + "Z" } ?? self }
}
