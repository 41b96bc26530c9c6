import Migrations
import PostgresWire

/// What `migrate up` and `migrate down` did, or would do.
struct MigrationReport: Encodable {
    struct Step: Encodable {
        var number: Int
        var name: String
        var sql: String?
    }

    var direction: String
    var dryRun: Bool
    var steps: [Step]
    /// The database's newest step afterwards.
    var current: Int
    var newest: Int

    init(
        _ direction: MigrationPlan.Direction, _ steps: [Migrator.Step], options: MigrationOptions, current: Int
    ) {
        self.direction = direction == .up ? "up" : "down"
        dryRun = options.dryRun
        self.steps = steps.map { step in
            let sql = direction == .up ? step.migration.up : step.migration.down
            return Step(
                number: step.migration.number, name: step.migration.name, sql: options.showSQL ? sql : nil)
        }
        self.current = current
        newest = Migration.shipped.count
    }

    private enum CodingKeys: String, CodingKey {
        case direction, steps, current, newest
        case dryRun = "dry_run"
    }

    func print(_ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(self) }
        let verb = direction == "up" ? (dryRun ? "would apply" : "applied") : (dryRun ? "would take back" : "took back")
        for step in steps {
            Output.print("\(verb) \(step.number) \(step.name)")
            if let sql = step.sql { Output.print(sql) }
        }
        if steps.isEmpty { Output.print("nothing to do") }
        if !dryRun { Output.print("the schema is at migration \(current) of \(newest)") }
    }
}
