import ArgumentParser
import Migrations
import PostgresWire

/// The schema of a database beside the steps of this program.
struct SchemaFacts: Encodable {
    struct Step: Encodable {
        var number: Int
        var name: String
        /// `applied`, `pending`, or `unknown` for a step of a newer program.
        var state: String
        var appliedAt: String?

        private enum CodingKeys: String, CodingKey {
            case number, name, state
            case appliedAt = "applied_at"
        }
    }

    var current: Int
    var newest: Int
    var migrations: [Step]
    var problems: [String]
    var tier: DatabaseTier

    init(_ connection: PostgresConnection) throws {
        let status = try Migrator(connection).status()
        current = status.applied.count
        newest = Migration.shipped.count
        let known = Set(Migration.shipped.map(\.number))
        migrations = status.applied.map { step in
            Step(
                number: step.number, name: step.name, state: known.contains(step.number) ? "applied" : "unknown",
                appliedAt: step.appliedAt)
        }
        migrations += status.pending.map { Step(number: $0.number, name: $0.name, state: "pending") }
        problems = status.problems.map(\.description)
        tier = try DatabaseTier(connection)
    }

    func printTable() {
        var table = Table([.init("NUMBER", number: true), .init("NAME"), .init("STATE"), .init("APPLIED AT")])
        for step in migrations { table.add([String(step.number), step.name, step.state, step.appliedAt ?? "-"]) }
        table.print()
        Output.print("")
        Output.print("schema: migration \(current) of \(newest)")
        Output.print("tier: \(SafeText.escape(tier.sentence))")
        for lack in tier.lacks { Output.print("  \(lack)") }
    }
}

struct MigrateStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "List applied and pending migrations, and the database's tier.",
        discussion: """
            EXAMPLES
              millrace migrate status
              millrace migrate status --json
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let facts = try SchemaFacts(try Servers(try source.load()).postgres(direct: true))
        if output.isJSON { return try Output.json(facts) }
        facts.printTable()
        for problem in facts.problems { Output.complain("problem: \(problem)") }
        if facts.problems.isEmpty, facts.current < facts.newest { Output.print("next: millrace migrate up") }
    }
}
