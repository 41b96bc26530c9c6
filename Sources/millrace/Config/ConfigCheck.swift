import ArgumentParser
import Settings

struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Report everything that is wrong with the configuration, at once.",
        discussion: """
            Reads no server. Exit code 78 when something is wrong; warnings alone do not change it.

            EXAMPLES
              millrace config check
              millrace config check -c millrace.yaml
              millrace config check --json
            """)

    struct Problem: Encodable {
        var place: String
        var key: String
        var message: String
        var fix: String?

        init(_ problem: SettingsProblem) {
            place = problem.place.description
            key = problem.key
            message = problem.message
            fix = problem.fix
        }
    }

    private struct Verdict: Encodable {
        var valid: Bool
        var source: String
        var problems: [Problem]
        var warnings: [Problem]
    }

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let input = try source.input()
        let name = (input.file ?? SettingsInput.builtInFile).name
        var problems: [SettingsProblem] = []
        var warnings: [SettingsProblem] = []
        do throws(SettingsError) {
            warnings = try Settings.load(input).warnings
        } catch {
            problems = error.problems
        }
        if output.isJSON {
            try Output.json(
                Verdict(
                    valid: problems.isEmpty, source: name, problems: problems.map(Problem.init),
                    warnings: warnings.map(Problem.init)))
        } else {
            tell(name, problems, warnings)
        }
        if !problems.isEmpty { throw ExitCode(ExitStatus.badConfiguration) }
    }

    private func tell(_ name: String, _ problems: [SettingsProblem], _ warnings: [SettingsProblem]) {
        for problem in problems { Output.complain(problem.description) }
        for warning in warnings { Output.complain("warning: \(warning)") }
        let file = SafeText.escape(name)
        if problems.isEmpty { return Output.print("\(file): the configuration is valid") }
        Output.complain("\(file): \(problems.count) problem\(problems.count == 1 ? "" : "s")")
    }
}
