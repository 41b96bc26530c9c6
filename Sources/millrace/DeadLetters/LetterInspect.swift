import ArgumentParser
import Foundation
import PostgresCopy
import Records
import Settings

struct LetterInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Everything about a dead letter: fields, reason, attempts, batch.",
        discussion: """
            The server's words under DETAIL may quote the record. Values are cut at \(EntryPreview.limitBytes) bytes; \
            --json has them whole.

            EXAMPLES
              millrace dlq inspect 1690000000000-0
              millrace dlq inspect 7:1690000000000-0 --json
            """)

    @Argument(help: ArgumentHelp("Ids, such as 1690000000000-0, or 7:1690000000000-0 in one source.", valueName: "id"))
    var ids: [NameArgument]

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private static let limit = 1_000

    func run() throws {
        let desk = try LetterDesk(try source.load())
        var selection = LetterSelection(state: nil)
        selection.names = ids.map(\.name)
        var last: LetterKey?
        var missing = selection.names
        while case let page = try desk.store.details(
            selection, limit: Self.limit, after: last, deadline: LetterDesk.deadline), !page.isEmpty
        {
            for details in page {
                if output.isJSON {
                    try Output.json(LetterDetailsLine(details))
                } else {
                    if last != nil { Output.print("") }
                    show(details)
                }
                last = details.letter.key
                missing.removeAll { $0.names(details.letter.key) }
            }
        }
        guard missing.isEmpty else {
            throw CommandFailure(
                "no such dead letter: \(missing.map(\.description).joined(separator: ", "))",
                fix: "see `millrace dlq ls --state any`")
        }
    }

    private func show(_ details: LetterDetails) {
        let letter = details.letter
        var facts = [
            ("LETTER", letter.key.description), ("STREAM", SafeText.escape(letter.stream.bytes)),
            ("STATE", letter.state.word + (letter.closedBy.map { ", \($0)" } ?? "")),
            ("REASON", letter.reason + (letter.constraint.map { " (\($0))" } ?? "")),
        ]
        func add(_ name: String, _ value: String?) {
            if let value { facts.append((name, value)) }
        }
        add("AT FIRST", letter.firstReason)
        add("FIELD", letter.field)
        add("COLUMN", letter.column.map { [letter.table, $0].compactMap(\.self).joined(separator: ".") })
        add("SQLSTATE", letter.sqlState)
        add("DETAIL", details.detail)
        add("GROUP", letter.fingerprint)
        add("FOUND", letter.createdAt.uptoSeconds + (details.worker.map { " by \($0)" } ?? ""))
        add("BATCH", letter.batch)
        add("CLOSED", letter.closedAt?.uptoSeconds)
        add("STORED BY", letter.storedBy.map { "batch \($0)" })
        add("EDITED", letter.editedAt.map { "\($0.uptoSeconds) by \(letter.editedBy ?? "?")" })
        add("NEXT TRY", letter.nextRetry?.uptoSeconds)
        let width = facts.map(\.0.count).max() ?? 0
        for (name, value) in facts {
            Output.print(name + String(repeating: " ", count: width + 2 - name.count) + SafeText.escape(value))
        }
        showFields("FIELDS", details.fields, missing: "\(letter.byteCount) bytes, in the stream only")
        if let edited = details.editedFields { showFields("FIELDS, EDITED", edited, missing: "") }
        showAttempts(details)
    }

    private func showFields(_ title: String, _ resp: [UInt8]?, missing: String) {
        Output.print(title)
        guard let resp, let fields = LetterFields(resp: resp) else { return Output.print("  \(missing)") }
        for field in fields.fields {
            let value = EntryPreview.text(field.value)
            let isCut = field.value.count > EntryPreview.limitBytes
            let rest = isCut ? "… (\(Figures.count(field.value.count)) bytes)" : ""
            Output.print("  \(SafeText.escape(field.name)) = \(SafeText.escape(value))\(rest)")
        }
    }

    private func showAttempts(_ details: LetterDetails) {
        guard details.letter.attempts > 0 else { return }
        Output.print("ATTEMPTS  \(details.letter.attempts)")
        for attempt in LetterAttempt.read(details.attemptLog) {
            let words = attempt.stored == true ? "stored" : attempt.reason ?? "failed"
            Output.print("  " + SafeText.escape("\(attempt.at) \(attempt.by): \(words)"))
        }
    }
}

/// An entry of a letter's log.
struct LetterAttempt: Codable {
    var at: String
    var by: String
    var stored: Bool?
    var reason: String?
    var detail: String?

    static func read(_ log: String) -> [LetterAttempt] {
        (try? JSONDecoder().decode([LetterAttempt].self, from: Data(log.utf8))) ?? []
    }
}

/// A letter with its fields as JSON.
struct LetterDetailsLine: Encodable {
    struct Field: Encodable {
        var name: String
        var value: String
        var nameHex: String?
        var valueHex: String?

        private enum CodingKeys: String, CodingKey {
            case name, value
            case nameHex = "name_hex"
            case valueHex = "value_hex"
        }

        init(_ field: LetterFields.Field) {
            (name, nameHex) = Self.text(field.name)
            (value, valueHex) = Self.text(field.value)
        }

        /// JSON holds text only: other bytes are escaped, and given in hexadecimal digits beside.
        private static func text(_ bytes: [UInt8]) -> (String, String?) {
            if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
            return (SafeText.escape(bytes), HexText.encode(bytes))
        }
    }

    private let letter: LetterLine
    private let detail: String?
    private let worker: String?
    private let batchAt: String?
    private let fields: [Field]?
    private let edited: [Field]?
    private let log: [LetterAttempt]

    private enum CodingKeys: String, CodingKey {
        case letter, detail, worker, fields
        case batchAt = "batch_at"
        case edited = "edited_fields"
        case log = "attempt_log"
    }

    init(_ details: LetterDetails) {
        letter = LetterLine(letter: details.letter)
        detail = details.detail
        worker = details.worker
        batchAt = details.batchAt
        fields = Self.list(details.fields)
        edited = Self.list(details.editedFields)
        log = LetterAttempt.read(details.attemptLog)
    }

    private static func list(_ resp: [UInt8]?) -> [Field]? {
        resp.flatMap { LetterFields(resp: $0) }?.fields.map(Field.init)
    }
}
