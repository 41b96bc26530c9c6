import ArgumentParser
import Migrations

struct MigrateValidate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check that the schema is the one this program was made for.",
        discussion: """
            Exit code 3 when it is not: migrations pending, changed, missing or unknown, or drift: a column, type, \
            constraint, index, view or function that somebody changed or took away. What was added is not looked at.

            EXAMPLES
              millrace migrate validate && millrace run
            """)

    private struct Verdict: Encodable {
        var valid: Bool
        var current: Int
        var newest: Int
        var problems: [String]
        /// What differs from what the migrations made.
        var drift: [String]
    }

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let connection = try Servers(try source.load()).postgres(direct: true)
        let status = try Migrator(connection).status()
        let newest = Migration.shipped.count
        var problems = status.problems.map(\.description)
        if problems.isEmpty, !status.pending.isEmpty {
            problems.append(MigrationProblem.behind(current: status.applied.count, newest: newest).description)
        }
        // A database at another migration differs by that already.
        let drift = problems.isEmpty ? try SchemaDrift(connection).differences : []
        let isValid = problems.isEmpty && drift.isEmpty
        if output.isJSON {
            try Output.json(
                Verdict(
                    valid: isValid, current: status.applied.count, newest: newest, problems: problems, drift: drift))
        } else {
            for problem in problems + drift { Output.print(SafeText.escape(problem)) }
            if isValid { Output.print("the schema is at migration \(newest) of \(newest), as it should be") }
        }
        if !isValid { throw ExitCode(ExitStatus.found) }
    }
}
