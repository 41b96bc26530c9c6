import ArgumentParser
import PostgresCopy
import Settings

struct LetterGroups: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups", abstract: "Dead letters by what is wrong with them, the most frequent first.",
        discussion: """
            Letters of a group have the same code, table, column and constraint, so they want the same remedy.

            EXAMPLES
              millrace dlq groups
              millrace dlq groups --since 24h --json
            """)

    private static let most = 100_000

    @OptionGroup var letters: LetterOptions

    @Flag(name: .long, help: "Count letters that are replayed or discarded too.")
    var closed = false

    @Option(name: .long, help: ArgumentHelp("At most so many groups.", valueName: "n"))
    var limit = 100

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var fingerprint: String
        var cause: String
        var reason: String
        var table: String?
        var column: String?
        var sqlstate: String?
        var constraint: String?
        var letters: Int64
        var open: Int64
        var scheduled: Int64
        var streams: Int64
        var firstAt: String
        var lastAt: String

        private enum CodingKeys: String, CodingKey {
            case fingerprint, cause, reason, table, column, sqlstate, constraint, letters, open, scheduled, streams
            case firstAt = "first_at"
            case lastAt = "last_at"
        }

        init(_ group: LetterGroup) {
            fingerprint = group.fingerprint
            cause = group.cause
            reason = group.reason
            table = group.table
            column = group.column
            sqlstate = group.sqlState
            constraint = group.constraint
            letters = group.letters
            open = group.open
            scheduled = group.scheduled
            streams = group.streams
            firstAt = group.firstAt
            lastAt = group.lastAt
        }
    }

    mutating func validate() throws {
        if !(1...Self.most).contains(limit) { throw ValidationError("--limit is a number from 1 to \(Self.most)") }
    }

    func run() throws {
        let desk = try LetterDesk(try source.load())
        let found = try desk.store.groups(
            letters.selection(closed ? nil : .open), limit: limit + 1, deadline: LetterDesk.deadline)
        try show(found.prefix(limit))
        if found.count > limit { Output.complain("more: --limit \(min(limit * 10, Self.most))") }
    }

    private func show(_ groups: ArraySlice<LetterGroup>) throws {
        if output.isJSON {
            for group in groups { try Output.json(Line(group)) }
            return
        }
        guard !groups.isEmpty else { return Output.print("no dead letters") }
        var columns: [Table.Column] = [
            .init("GROUP"), .init("OPEN", number: true), .init("RETRYING", number: true),
            .init("STREAMS", number: true), .init("LAST"), .init("REASON"),
        ]
        if closed { columns.insert(.init("CLOSED", number: true), at: 2) }
        var table = Table(columns)
        for group in groups {
            var cells = [
                group.fingerprint, Figures.count(group.open), Figures.count(group.scheduled),
                Figures.count(group.streams), group.lastAt.uptoSeconds,
                group.reason + (group.constraint.map { " (\($0))" } ?? ""),
            ]
            if closed { cells.insert(Figures.count(group.letters - group.open), at: 2) }
            table.add(cells)
        }
        table.print()
    }
}
