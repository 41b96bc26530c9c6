import ArgumentParser
import PostgresCopy
import Records
import Settings

struct LetterEditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Correct the fields of an open dead letter; the original stays.",
        discussion: """
            The corrected fields are kept beside the original, with your name and the time. They are what the next \
            replay tries.

            EXAMPLES
              millrace dlq edit 1690000000000-0 --set price=101.5
              millrace dlq edit 7:1690000000000-0 --unset note --by maria
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

    @Option(name: .long, help: ArgumentHelp("Who edits; your user name when not given.", valueName: "name"))
    var by: String?

    @OptionGroup var source: ShortConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var edited: String
        var edits: Int
    }

    mutating func validate() throws {
        if set.isEmpty, unset.isEmpty { throw ValidationError("say what to change: --set field=value, --unset field") }
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        var selection = LetterSelection()
        selection.names = [id.name]
        let found = try desk.store.page(of: selection, limit: 2, deadline: LetterDesk.deadline)
        guard let letter = found.first else {
            throw CommandFailure("no such open dead letter", fix: "see `millrace dlq ls`")
        }
        guard found.count == 1 else {
            throw CommandFailure(
                "several sources have a letter with this id", fix: "name one, such as \(letter.key)",
                status: ExitStatus.wrongUse)
        }
        let edits = set.map { LetterEdit.set($0.name, to: $0.value) } + unset.map { .remove(Array($0.utf8)) }
        guard let fields = letter.fields.flatMap({ edits.applied(to: $0) }) else {
            throw CommandFailure(
                "the letter's fields are in the stream only",
                fix: "use `millrace dlq replay --id \(letter.key) --set …`")
        }
        var edited = letter
        edited.fields = fields
        let person = by ?? LetterDesk.person
        guard let done = try desk.store.edit([edited], by: person, deadline: LetterDesk.deadline).first else {
            throw CommandFailure("somebody closed or edited the letter meanwhile", fix: "look at it again")
        }
        if output.isJSON { return try Output.json(Line(edited: "\(done.key)", edits: done.edits)) }
        Output.print("edited \(done.key); try it with `millrace dlq replay --id \(done.key)`")
    }
}
