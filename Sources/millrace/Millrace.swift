import ArgumentParser

/// The command. Its subcommands lie one to a file; adding one is a line in ``configuration``.
@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Carries Redis Streams into PostgreSQL and TimescaleDB, every entry exactly once.",
        discussion: """
            Configuration comes from a file, then environment variables, then -s key=value; later wins.

            Exit codes: 0 done, 1 failed, 2 wrong use, 3 the check found something, 78 bad configuration.

            EXAMPLES
              millrace migrate up
              millrace publish trades --file trades.ndjson.gz
              millrace generate all --publish --rate 20000 --count 1000000
              millrace stats
            """,
        version: "millrace \(ProgramVersion.current)",
        subcommands: [
            RunCommand.self, DevCommand.self, DemoCommand.self, PublishCommand.self, GenerateCommand.self,
            MigrateCommand.self, DatabaseCommand.self, StreamCommand.self, PendingCommand.self, ConsumerCommand.self,
            WorkerCommand.self, StatsCommand.self, AuditCommand.self, DeadLetterCommand.self, RetryCommand.self,
            ExplainCommand.self, BatchCommand.self, ReconcileCommand.self, SelftestCommand.self, BenchCommand.self,
            ConfigCommand.self, VersionCommand.self,
        ])

    static func main() async {
        let status = await CommandRun(arguments: Array(CommandLine.arguments.dropFirst())).run()
        exit(withStatus: status)
    }
}
