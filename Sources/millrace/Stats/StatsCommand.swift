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
            while the database is away they are not known, which is not an error. Ends with 78 when it refuses the \
            login, or lacks a right or a table.

            "lost 0" means: everything that was read is pending or in the ledger, by number. It is "not known" when \
            the database does not know a stream that was read, as another database or an older copy does not. "audited \
            up to": the workers have looked at every single entry up to this id, and it is in the ledger.

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
        let paused = try connection.pausedStreams(group: group)
        let reports = try keys.map { try StreamReport($0, group: group, now: now, paused: paused, on: connection) }
        let ledger = LedgerFacts(
            servers, redisID: loaded.settings.redis.id, database: endpoint.database, group: group)
        let consumers = try GroupConsumers(of: keys, group: group, on: connection).all
        let losses = ledger.problem == nil ? try LossFacts(servers.group(), streams: keys, now: now) : nil
        let facts = StatsReport(
            group: group, reports: reports, ledger: ledger, losses: losses,
            dead: consumers.filter(\.isDead).map { .init(consumer: $0.name, pending: $0.pending) })
        try output.isJSON ? Output.json(facts) : facts.print()
        if ledger.isMisconfigured { throw ExitCode(ExitStatus.badConfiguration) }
    }
}
