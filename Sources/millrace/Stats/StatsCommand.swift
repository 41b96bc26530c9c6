import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Figures of every stream of the configuration: read, pending, stored, dead.",
        discussion: """
            LAG is what the group has not been given, PENDING what it has not acknowledged, OLDEST how long ago the \
            oldest pending entry was enqueued. STORED and DEAD (open dead letters) come from the database's ledger; \
            without the database they are not known, which is not an error.

            EXAMPLES
              millrace stats
              millrace stats --json | jq .totals
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let group = loaded.settings.consumerGroup
        let servers = Servers(loaded)
        let endpoint = try servers.redisEndpoint()
        let connection = try servers.redis()
        let now = try connection.serverMilliseconds()
        let keys = try StreamSelection.configured(loaded.settings, on: connection)
        let reports = try keys.map { try StreamReport($0, group: group, now: now, on: connection) }
        let ledger = LedgerFacts(
            servers, redisID: loaded.settings.redis.id, database: endpoint.database, group: group)
        let facts = StatsReport(group: group, reports: reports, ledger: ledger)
        try output.isJSON ? Output.json(facts) : facts.print()
    }
}
