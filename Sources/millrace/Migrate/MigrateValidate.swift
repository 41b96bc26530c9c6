import ArgumentParser
import Migrations

struct MigrateValidate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check that the schema is the one this program was made for.",
        discussion: """
            Exit code 3 when it is not: migrations pending, changed, missing or unknown.

            EXAMPLES
              millrace migrate validate && millrace run
            """)

    private struct Verdict: Encodable {
        var valid: Bool
        var current: Int
        var newest: Int
        var problems: [String]
    }

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let status = try Migrator(try Servers(try source.load()).postgres(direct: true)).status()
        let newest = Migration.shipped.count
        var problems = status.problems.map(\.description)
        if problems.isEmpty, !status.pending.isEmpty {
            problems.append(MigrationProblem.behind(current: status.applied.count, newest: newest).description)
        }
        if output.isJSON {
            try Output.json(
                Verdict(
                    valid: problems.isEmpty, current: status.applied.count, newest: newest, problems: problems))
        } else {
            for problem in problems { Output.print(SafeText.escape(problem)) }
            if problems.isEmpty { Output.print("the schema is at migration \(newest) of \(newest), as it should be") }
        }
        if !problems.isEmpty { throw ExitCode(ExitStatus.found) }
    }
}
