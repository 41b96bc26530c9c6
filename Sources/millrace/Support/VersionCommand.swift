import ArgumentParser
import Migrations

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.",
        discussion: """
            EXAMPLES
              millrace version
              millrace version --json
            """)

    private struct Facts: Encodable {
        var version: String
        var schema: Int
    }

    @OptionGroup var output: OutputOptions

    func run() throws {
        if output.isJSON {
            try Output.json(Facts(version: ProgramVersion.current, schema: Migration.shipped.count))
        } else {
            Output.print("millrace \(ProgramVersion.current)")
        }
    }
}
