import ArgumentParser
import Migrations

struct MigrateSQL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Print the migrations' SQL, without a database.",
        discussion: """
            For review. Apply it with `migrate up`, which also keeps the record of what was applied.

            EXAMPLES
              millrace migrate sql
              millrace migrate sql --down --target-version 1
              millrace migrate sql --json | jq -r .checksum
            """)

    private struct Step: Encodable {
        var number: Int
        var name: String
        var direction: String
        var checksum: String
        var sql: String
    }

    @Flag(name: .long, help: "The SQL that takes the migrations back, newest first.")
    var down = false

    @Option(name: .long, help: ArgumentHelp("Up to (with --down: back to) this step.", valueName: "n"))
    var targetVersion: Int?

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard let targetVersion, !(0...Migration.shipped.count).contains(targetVersion) else { return }
        throw ValidationError("--target-version is a number from 0 to \(Migration.shipped.count)")
    }

    func run() throws {
        for migration in chosen() {
            let sql = down ? migration.down : migration.up
            let direction = down ? "down" : "up"
            if output.isJSON {
                try Output.json(
                    Step(
                        number: migration.number, name: migration.name, direction: direction,
                        checksum: migration.checksum, sql: sql))
            } else {
                Output.print("-- \(migration.fileStem).\(direction).sql\n\(sql)")
            }
        }
    }

    private func chosen() -> [Migration] {
        if down { return Migration.shipped.reversed().filter { $0.number > targetVersion ?? 0 } }
        return Migration.shipped.filter { $0.number <= targetVersion ?? .max }
    }
}
