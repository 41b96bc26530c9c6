import ArgumentParser
import PostgresCopy
import Records
import Settings

struct LetterExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write dead letters as lines that `publish --format entries` reads.",
        discussion: """
            One line a letter: {"stream":…,"id":…,"fields":[[name,value],…]}, edited fields where there are any. \
            Bytes that are not UTF-8 are {"hex":"…"}. Letters whose fields are in the stream only are left out and \
            counted, and it ends with 1; an id that no letter of the state has ends it before anything is written. \
            Published again they are new entries with new ids; to store letters under their own ids, replay \
            them instead.

            EXAMPLES
              millrace dlq export --cause no_mapping > letters.ndjson
              millrace dlq export --all --state any | gzip > letters.ndjson.gz
            """)

    @OptionGroup var letters: LetterOptions

    @Flag(name: .long, help: "Every letter of the state.")
    var all = false

    @Option(name: .long, help: "Letters in this state.")
    var state = LetterList.StateArgument.open

    @OptionGroup var source: ConfigurationOptions

    private static let page = 500

    mutating func validate() throws {
        try letters.requireChoice(all: all)
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        let selection = letters.selection(state.state)
        try desk.requireNamed(in: selection, as: state == .any ? "dead letter" : "\(state.rawValue) dead letter")
        Interruption.watch()
        let left = try write(selection, of: desk.store)
        if Interruption.isAsked { throw CommandFailure("stopped before the end") }
        guard left == 0 else {
            throw CommandFailure("left out: \(Figures.count(left)) letters whose fields are in the stream only")
        }
    }

    /// - Returns: how many letters were left out.
    private func write(_ selection: LetterSelection, of store: LetterStore) throws -> Int {
        // Lines that go to a terminal are progress enough.
        var progress = Progress(
            "exported", total: Int64(try store.count(selection, deadline: LetterDesk.deadline)),
            isShown: Terminal.isTerminal(Terminal.standardError) && !Terminal.isTerminal(Terminal.standardOutput))
        defer { progress.finish() }
        var last: LetterKey?
        var written = 0
        var left = 0
        while !Interruption.isAsked {
            let page = try store.details(selection, limit: Self.page, after: last, deadline: LetterDesk.deadline)
            guard let end = page.last?.letter.key else { break }
            last = end
            for details in page {
                guard let fields = (details.editedFields ?? details.fields).flatMap({ LetterFields(resp: $0) }) else {
                    left += 1
                    continue
                }
                let code = Output.write(Self.line(details.letter, fields), to: Terminal.standardOutput)
                guard code == 0 else { throw Output.unwritable(code) }
                written += 1
            }
            progress.update(Int64(written + left))
        }
        return left
    }

    /// Read back, it is what it was: what could act on a terminal is written as JSON's escapes.
    private static func line(_ letter: ListedLetter, _ fields: LetterFields) -> [UInt8] {
        var line = Array(#"{"stream":"#.utf8)
        append(letter.stream.bytes, to: &line)
        line += #","id":"\#(letter.key.id)","fields":["#.utf8
        for (index, field) in fields.fields.enumerated() {
            line += (index > 0 ? ",[" : "[").utf8
            append(field.name, to: &line)
            line.append(UInt8(ascii: ","))
            append(field.value, to: &line)
            line.append(UInt8(ascii: "]"))
        }
        line += "]}".utf8
        return Array((SafeText.escapeJSON(String(decoding: line, as: UTF8.self)) + "\n").utf8)
    }

    private static func append(_ bytes: [UInt8], to line: inout [UInt8]) {
        if String(validating: bytes, as: UTF8.self) != nil {
            EntryText.append(bytes.span, to: &line)
        } else {
            line += #"{"hex":"\#(HexText.encode(bytes))"}"#.utf8
        }
    }
}
