import ArgumentParser
import PostgresCopy
import Settings

struct LetterDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Give dead letters up; they stay in the table, marked as discarded.",
        discussion: """
            With --purge the rows of closed letters (replayed or discarded) are removed for good; only the owner of \
            the table may do that. Open letters are never purged. It goes on in steps of 5,000 letters: run it again \
            when it was stopped half way. An id that no letter has ends it, with 1, before anything is done.

            EXAMPLES
              millrace dlq delete --cause no_mapping --stream old:stream
              millrace dlq delete --purge --until 90d --force
            """)

    @OptionGroup var letters: LetterOptions

    @Flag(name: .long, help: "Every letter.")
    var all = false

    @Flag(name: .long, help: "Remove the rows of closed letters.")
    var purge = false

    @Flag(name: .long, help: "Do not ask.")
    var force = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var discarded: Int?
        var purged: Int?
    }

    mutating func validate() throws {
        try letters.requireChoice(all: all)
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        try desk.requireNamed(in: letters.selection(nil))
        let store = desk.store
        try purge ? remove(from: store) : discard(in: store)
        try LetterWork.requireEnd()
    }

    private func remove(from store: LetterStore) throws {
        let closed = [LetterSelection.State.replayed, .discarded]
        let count = try closed.reduce(0) { try $0 + store.count(letters.selection($1), deadline: LetterDesk.deadline) }
        guard count > 0 else { return try report(Line(purged: 0), "no closed letters to remove") }
        try Confirmation.require(
            "this removes \(Figures.count(count)) closed dead letters and their fields for good", force: force)
        let purged = try LetterWork("removed", total: count).make(.purge, of: letters.selection(nil), in: store)
        try report(Line(purged: purged), "removed \(Figures.count(purged)) letters")
    }

    private func discard(in store: LetterStore) throws {
        let count = try store.count(letters.selection(), deadline: LetterDesk.deadline)
        guard count > 0 else { return try report(Line(discarded: 0), "no open letters to discard") }
        try Confirmation.require(
            "this gives up \(Figures.count(count)) open dead letters: they will not be tried again", force: force)
        let discarded = try LetterWork("discarded", total: count).make(
            .discard(by: "deleted by \(LetterDesk.person)"), of: letters.selection(), in: store)
        try report(Line(discarded: discarded), "discarded \(Figures.count(discarded)) letters")
    }

    private func report(_ line: Line, _ words: String) throws {
        try output.isJSON ? Output.json(line) : Output.print(words)
    }
}
