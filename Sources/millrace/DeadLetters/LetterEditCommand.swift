import ArgumentParser
import PostgresCopy
import Records
import Settings

struct LetterEditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Correct the fields of an open dead letter; the original stays.",
        discussion: """
            The corrected fields are kept beside the original, with your name and the time. They are what the next \
            replay tries. --reset drops them: the next replay tries the fields as they came.

            EXAMPLES
              millrace dlq edit 1690000000000-0 --set price=101.5
              millrace dlq edit 7:1690000000000-0 --unset note --by maria
              millrace dlq edit 7:1690000000000-0 --reset
            """)

    @Argument(help: ArgumentHelp("The letter, such as 1690000000000-0, or 7:1690000000000-0.", valueName: "id"))
    var id: NameArgument

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("Give a field this value. Repeatable.", valueName: "field=value"))
    var set: [FieldArgument] = []

    @Option(
        name: .long, parsing: .singleValue, help: ArgumentHelp("Take a field away. Repeatable.", valueName: "field"))
    var unset: [String] = []

    @Flag(name: .long, help: "Go back to the original fields.")
    var reset = false

    @Option(name: .long, help: ArgumentHelp("Who edits; your user name when not given.", valueName: "name"))
    var by: String?

    @OptionGroup var source: ShortConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var edited: String
        var edits: Int
    }

    mutating func validate() throws {
        guard reset || !set.isEmpty || !unset.isEmpty else {
            throw ValidationError("say what to change: --set field=value, --unset field, --reset")
        }
        guard !reset || (set.isEmpty && unset.isEmpty && by == nil) else {
            throw ValidationError("--reset goes without --set, --unset and --by")
        }
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        let letter = try find(in: desk.store)
        let changed = try reset ? original(letter, in: desk.store) : edited(letter, in: desk.store)
        guard let changed else {
            throw CommandFailure("somebody closed or edited the letter meanwhile", fix: "look at it again")
        }
        if output.isJSON { return try Output.json(Line(edited: "\(changed.key)", edits: changed.edits)) }
        Output.print(
            reset
                ? "\(changed.key) has its original fields"
                : "edited \(changed.key); try it with `millrace dlq replay --id \(changed.key)`")
    }

    private func find(in store: LetterStore) throws -> OpenLetter {
        var selection = LetterSelection()
        selection.names = [id.name]
        let found = try store.page(of: selection, limit: 2, deadline: LetterDesk.deadline)
        guard let letter = found.first else {
            throw CommandFailure("no such open dead letter", fix: "see `millrace dlq ls`")
        }
        guard found.count == 1 else {
            throw CommandFailure(
                "several sources have a letter with this id", fix: "name one, such as \(letter.key)",
                status: ExitStatus.wrongUse)
        }
        return letter
    }

    private func original(_ letter: OpenLetter, in store: LetterStore) throws -> OpenLetter? {
        try store.reset([letter], deadline: LetterDesk.deadline).first
    }

    private func edited(_ letter: OpenLetter, in store: LetterStore) throws -> OpenLetter? {
        let edits = set.map { LetterEdit.set($0.name, to: $0.value) } + unset.map { .remove(Array($0.utf8)) }
        guard let fields = letter.fields.flatMap({ edits.applied(to: $0) }) else {
            throw CommandFailure(
                "the letter's fields are in the stream only",
                fix: "use `millrace dlq replay --id \(letter.key) --set …`")
        }
        var edited = letter
        edited.fields = fields
        return try store.edit([edited], by: by ?? LetterDesk.person, deadline: LetterDesk.deadline).first
    }
}
