import ArgumentParser
import LocalServices
import Migrations
import PostgresWire

struct BenchQueries: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queries", abstract: "Measures the five common queries on history of many days.",
        discussion: """
            Starts a private PostgreSQL, fills it, asks each query many times for changing pairs, and prints the times \
            as a client sees them and what the plans did. Nothing of yours is touched.

            EXAMPLES
              millrace bench queries
              millrace bench queries --rows 10000000 --json
              millrace bench queries --plain
            """)

    @Option(name: .long, help: ArgumentHelp("Rows of market data.", valueName: "n"))
    var rows = 1_000_000

    @Option(name: .long, help: ArgumentHelp("Days that they cover.", valueName: "n"))
    var days = 40

    @Option(name: .long, help: ArgumentHelp("How often each query is asked.", valueName: "n"))
    var rounds = 200

    @Flag(name: .long, help: "Without TimescaleDB.")
    var plain = false
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var query: String
        var p50: Double
        var p99: Double
        var rows: Int
        var plan: PlanSummary

        private enum CodingKeys: String, CodingKey {
            case query, rows, plan
            case p50 = "p50_ms"
            case p99 = "p99_ms"
        }
    }

    mutating func validate() throws {
        if rows < 10_000 { throw ValidationError("--rows is a number from 10000") }
        if !(35...90).contains(days) { throw ValidationError("--days is a number from 35 to 90") }
        if rounds < 1 { throw ValidationError("--rounds is a number from 1") }
    }

    func run() async throws {
        let postgres = try await LocalPostgres.startTemporary(
            settings: ["timescaledb.max_background_workers": "0"], tiers: plain ? [.plain] : PostgresTier.allCases)
        let name = "bench_queries"
        try await postgres.createDatabase(named: name)
        let connection = try PostgresConnection.connect(
            to: try PostgresEndpoint(postgres.url(database: name)), applicationName: "millrace/bench")
        _ = try Migrator(connection).up()
        let isQuiet = output.isJSON
        try MarketHistory(rows: rows, days: days).fill(connection) { step in
            if !isQuiet { Output.complain(step) }
        }
        let lines = try CommonQuery.allCases.map { try measure($0, connection) }
        if output.isJSON {
            for line in lines { try Output.json(line) }
        } else {
            print(lines, on: try DatabaseTier(connection))
        }
        await postgres.stop()
    }

    private func measure(_ query: CommonQuery, _ connection: PostgresConnection) throws -> Line {
        var times: [Double] = []
        var rowCount = 0
        for round in 0..<rounds {
            let parameters = Self.pair(round, query)
            let start = ContinuousClock.now
            rowCount = try connection.query(query.sql, parameters, deadline: .now + .seconds(60)).count
            times.append(start.duration(to: .now) / .milliseconds(1))
        }
        times.sort()
        let plan = try connection.query(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) \(query.sql)", Self.pair(0, query), deadline: .now + .seconds(60))
        let lines = try plan.map { try $0.text("QUERY PLAN") ?? "" }
        return Line(
            query: query.rawValue, p50: times[times.count / 2],
            p99: times[min(times.count - 1, times.count * 99 / 100)],
            rows: rowCount, plan: PlanSummary(lines: lines))
    }

    private static func pair(_ round: Int, _ query: CommonQuery) -> [String?] {
        let exchange = "EX\(round % MarketHistory.exchanges)"
        let symbol = "S\(round / MarketHistory.exchanges % MarketHistory.symbols)"
        return query.parameterCount == 1 ? [exchange] : [exchange, symbol]
    }

    private func print(_ lines: [Line], on tier: DatabaseTier) {
        var table = Table([
            .init("QUERY"), .init("P50 MS", number: true), .init("P99 MS", number: true), .init("ROWS", number: true),
            .init("READ", number: true), .init("OF", number: true), .init("PLAN"),
        ])
        for line in lines {
            table.add([
                line.query, Figures.decimal(line.p50, digits: 1), Figures.decimal(line.p99, digits: 1),
                String(line.rows),
                String(line.plan.relationsRead), String(line.plan.relations), line.plan.sentence,
            ])
        }
        table.print()
        Output.print("")
        Output.print("\(rows) rows over \(days) days, \(rounds) rounds, on \(tier.sentence)")
        Output.print("READ of OF: chunks and tables that were read, of those the planner could not exclude")
    }
}
