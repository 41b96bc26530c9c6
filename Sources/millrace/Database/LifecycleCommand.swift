import ArgumentParser
import Maintenance
import PostgresWire

struct LifecycleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lifecycle", abstract: "Show and change how long data stays, and where.",
        discussion: """
            EXAMPLES
              millrace db lifecycle show
              millrace db lifecycle set market_data_trades drop_after='2 years'
            """,
        subcommands: [LifecycleShow.self, LifecycleSet.self])
}

struct LifecycleShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the life cycle of each table.",
        discussion: """
            EXAMPLES
              millrace db lifecycle show
              millrace db lifecycle show --json
            """)

    private struct Line: Encodable {
        var table: String
        /// By key; what is never done, or has no name, is left out.
        var values: [String: String]
    }

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let rows = try LifecycleStore(try Servers(try source.load()).postgres(direct: true)).rows()
        if output.isJSON {
            for row in rows {
                let values = row.values.map { ($0.key.rawValue, $0.value) }
                try Output.json(Line(table: row.table, values: Dictionary(uniqueKeysWithValues: values)))
            }
            return
        }
        var table = Table([.init("KEY")] + rows.map { .init($0.table.replacing("public.market_data_", with: "…")) })
        for key in LifecycleKey.allCases {
            table.add([key.rawValue] + rows.map { $0.values[key] ?? (key.type == "name" ? "-" : "never") })
        }
        table.print()
    }
}

struct LifecycleSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the life cycle of a table.",
        discussion: """
            Applied by the next maintenance. Intervals are PostgreSQL's, such as '30 days'; `never` turns \
            compression and retention off, `none` takes a tablespace away. Asks first when the change lets data be \
            dropped; --force does not. Keys: chunk_interval, hot_for, warm_for, compress_after, drop_after, \
            drop_grace, chunks_ahead, accept_from, accept_ahead, symbol_partitions, warm_tablespace, cold_tablespace.

            EXAMPLES
              millrace db lifecycle set market_data_trades drop_after='2 years' warm_for='14 days'
              millrace db lifecycle set market_data_orderbook drop_after=never
              millrace db lifecycle set market_data_ticker drop_after='90 days' --force
            """)

    private struct Line: Encodable {
        var table: String
        var changed: [String]
        /// Chunks that the next maintenance may drop.
        var beyondRetention: Int

        private enum CodingKeys: String, CodingKey {
            case table, changed
            case beyondRetention = "beyond_retention"
        }
    }

    @Argument(help: "The table, such as market_data_trades.")
    var table: String

    @Argument(help: ArgumentHelp("What to change.", valueName: "key=value"))
    var changes: [String]

    @Flag(name: .long, help: "Do not ask.")
    var force = false
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        _ = try parsed()
    }

    func run() throws {
        let changes = try parsed()
        let store = LifecycleStore(try Servers(try source.load()).postgres(direct: true))
        let dropsMore = changes.contains { $0.key == .dropAfter || $0.key == .dropGrace }
        // No transaction, and no lock, while somebody thinks about it.
        let asked = dropsMore && !force ? try ask(changes, in: store) : .max
        let beyond = try change(changes, in: store)
        guard beyond <= asked else {
            try store.cancel()
            throw CommandFailure(
                "by now the next maintenance would drop \(beyond) chunks of \(table), not \(asked); nothing was changed",
                fix: "run it again")
        }
        try store.confirm()
        if output.isJSON {
            try Output.json(Line(table: table, changed: changes.map(\.key.rawValue), beyondRetention: beyond))
        } else {
            Output.print("changed; `millrace db maintain` applies it now, a worker within the hour")
        }
    }

    /// - Returns: how many chunks may be dropped, after somebody agreed.
    private func ask(_ changes: [(key: LifecycleKey, value: String?)], in store: LifecycleStore) throws -> Int {
        let beyond = try change(changes, in: store)
        try store.cancel()
        if beyond > 0 {
            try Confirmation.require("The next maintenance may drop \(beyond) chunks of \(table).", force: force)
        }
        return beyond
    }

    /// Leaves the transaction open.
    /// - Returns: how many chunks may be dropped then.
    private func change(_ changes: [(key: LifecycleKey, value: String?)], in store: LifecycleStore) throws -> Int {
        let beyond: Int?
        do throws(PostgresError) {
            beyond = try store.change(table, changes)
        } catch {
            guard error.kind == .server, error.sqlState?.code.hasPrefix("2") == true else { throw error }
            throw CommandFailure("PostgreSQL refuses the value: \(error.message)", status: ExitStatus.wrongUse)
        }
        guard let beyond else {
            throw CommandFailure(
                "no table \(table) in ingest.lifecycle", fix: "`millrace db lifecycle show` lists them")
        }
        return beyond
    }

    private func parsed() throws -> [(key: LifecycleKey, value: String?)] {
        guard !changes.isEmpty else { throw ValidationError("name at least one key=value") }
        return try changes.map { change in
            let parts = change.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw ValidationError("\(change) is not key=value") }
            guard let key = LifecycleKey(rawValue: String(parts[0])) else {
                throw ValidationError(
                    "no key \(parts[0]); there are \(LifecycleKey.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            guard ["never", "none"].contains(parts[1]) else { return (key, String(parts[1])) }
            guard key.mayBeNever else { throw ValidationError("\(key.rawValue) needs a value") }
            return (key, nil)
        }
    }
}
