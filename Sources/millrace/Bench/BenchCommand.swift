import ArgumentParser
import LocalServices

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the worker, and the questions that people ask.",
        discussion: """
            Without another word: `bench throughput`.

            EXAMPLES
              millrace bench
              millrace bench queries --rows 10000000
              millrace bench refusals
            """,
        subcommands: [BenchThroughput.self, BenchQueries.self, BenchRefusals.self],
        defaultSubcommand: BenchThroughput.self)
}

struct BenchThroughput: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput",
        abstract: "Measures the worker beside `psql \\copy` of the same rows into the same table, in the same run.",
        discussion: """
            Starts a private Redis and PostgreSQL, publishes simulated trades, and takes turns: a worker drains the \
            stream into the table, then psql copies the same rows from a CSV file into it. Each round begins with empty \
            tables. Only the ratio says something: the machine's speed drifts.

            EXAMPLES
              millrace bench
              millrace bench --rows 1000000 --rounds 5 --lanes 2 --json
            """)

    @OptionGroup var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("Rows a round.", valueName: "n"))
    var rows = 400_000

    @Option(name: .long, help: ArgumentHelp("Rounds of each.", valueName: "n"))
    var rounds = 5

    @Option(name: .long, help: ArgumentHelp("Lanes of the worker.", valueName: "n"))
    var lanes = 2

    func validate() throws {
        guard rows >= 1_000, (1...100).contains(rounds), (1...64).contains(lanes) else {
            throw ValidationError("--rows is at least 1000, --rounds 1 to 100, --lanes 1 to 64")
        }
    }

    func run() async throws {
        // The worker is measured, not the disk under Redis: psql has no stream to read either.
        let services = try await LocalServices.start(
            redis: RedisOptions(appendOnly: false), postgres: ["timescaledb.max_background_workers": "0"])
        do {
            let bench = ThroughputBench(services: services, rows: rows, lanes: lanes, isSilent: output.isJSON)
            let report = try await bench.run(rounds: rounds)
            if output.isJSON { try Output.json(report) } else { report.print() }
        } catch {
            await services.stop()
            throw error
        }
        await services.stop()
    }
}
