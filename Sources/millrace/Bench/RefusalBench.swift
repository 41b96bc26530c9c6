import ArgumentParser
import LocalServices
import PostgresWire
import RedisWire

struct BenchRefusals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refusals",
        abstract: "Measures what bad rows cost: batches of 10,000 with 0, 1, 10 and 100 of them.",
        discussion: """
            Starts a private Redis and PostgreSQL and drains the same number of trades again and again, with bad ones \
            among them that the codec rejects (a price that is no number) or that the database refuses (a CHECK). \
            Prints the throughput beside that of a clean run; every bad row must be a dead letter, all others rows.

            Each run has a clean one just beside it, and the median of such pairs is printed: a machine's speed is \
            another one from minute to minute.

            EXAMPLES
              millrace bench refusals
              millrace bench refusals --rows 400000 --rounds 5 --json
              millrace bench refusals --check   # exit 1 if a ratio is below its mark
            """)

    @OptionGroup var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("Rows a run.", valueName: "n"))
    var rows = 200_000

    @Option(name: .long, help: ArgumentHelp("Pairs of runs of each kind.", valueName: "n"))
    var rounds = 3

    @Flag(name: .long, help: "End with exit code 1 if a ratio is below its mark.")
    var check = false

    func validate() throws {
        guard rows >= 20_000, (1...20).contains(rounds) else {
            throw ValidationError("--rows is at least 20000, --rounds 1 to 20")
        }
    }

    func run() async throws {
        let services = try await LocalServices.start(
            redis: RedisOptions(appendOnly: false), postgres: ["timescaledb.max_background_workers": "0"])
        let lines: [RefusalBench.Line]
        do {
            lines = try await RefusalBench(services: services, rows: rows, isSilent: output.isJSON).run(rounds)
        } catch {
            await services.stop()
            throw error
        }
        await services.stop()
        if output.isJSON {
            for line in lines { try Output.json(line) }
        } else {
            RefusalBench.print(lines)
        }
        if check, lines.contains(where: \.isBelowMark) { throw CommandFailure("a ratio is below its mark") }
    }
}

/// Clean runs and runs with bad rows in pairs, over trades that differ in nothing else.
struct RefusalBench {
    /// What is wrong with some of the rows.
    enum Fault: String, CaseIterable, Encodable {
        case codec, database
    }

    struct Line: Encodable {
        var fault: Fault
        /// Of 10,000 rows.
        var bad: Int
        /// Medians of all runs of this kind and of the clean ones beside them.
        var rowsPerSecond: Double
        var cleanRowsPerSecond: Double
        /// The median of the pairs' ratios.
        var ratio: Double
        /// What the ratio should be at least.
        var mark: Double

        var isBelowMark: Bool { ratio < mark }
    }

    private static let kinds: [(fault: Fault, bad: Int, mark: Double)] = [
        (.codec, 1, 0.95), (.codec, 10, 0.9), (.codec, 100, 0.8),
        (.database, 1, 0.6), (.database, 10, 0.35), (.database, 100, 0.2),
    ]
    private static let stream = "md:trades"

    let services: LocalServices
    let rows: Int
    let isSilent: Bool

    private var ground: BenchGround { BenchGround(services: services, name: "refusals") }

    func run(_ rounds: Int) async throws -> [Line] {
        try await ground.prepare()
        try ground.connect().execute(
            "ALTER TABLE market_data_trades ADD CONSTRAINT positive CHECK (amount > 0)", deadline: .now + .seconds(10))
        // The first run warms everything up.
        _ = try await drain(nil, 0)
        var pairs: [[(clean: Double, bad: Double)]] = Array(repeating: [], count: Self.kinds.count)
        for round in 1...rounds {
            for (index, kind) in Self.kinds.enumerated() {
                // What comes second may find a warmer or a fuller machine: each is second in turn.
                let before = round.isMultiple(of: 2) ? nil : try await drain(nil, 0)
                let bad = try await drain(kind.fault, kind.bad)
                let clean = if let before { before } else { try await drain(nil, 0) }
                pairs[index].append((clean, bad))
            }
            if !isSilent { Output.complain("round \(round) of \(rounds)") }
        }
        return zip(Self.kinds, pairs).map { kind, pairs in
            Line(
                fault: kind.fault, bad: kind.bad, rowsPerSecond: BenchReport.median(pairs.map(\.bad)),
                cleanRowsPerSecond: BenchReport.median(pairs.map(\.clean)),
                ratio: BenchReport.median(pairs.map { $0.bad / $0.clean }), mark: kind.mark)
        }
    }

    static func print(_ lines: [Line]) {
        var table = Table([
            .init("REFUSED BY"), .init("OF 10,000", number: true), .init("CLEAN ROWS/S", number: true),
            .init("ROWS/S", number: true), .init("RATIO", number: true), .init("AT LEAST", number: true), .init(""),
        ])
        for line in lines {
            table.add([
                line.fault.rawValue, "\(line.bad)", "\(Int(line.cleanRowsPerSecond))", "\(Int(line.rowsPerSecond))",
                BenchReport.two(line.ratio), BenchReport.two(line.mark), line.isBelowMark ? "below" : "ok",
            ])
        }
        table.print()
    }

    // MARK: One run

    /// - Returns: rows a second.
    private func drain(_ fault: Fault?, _ bad: Int) async throws -> Double {
        try publish(fault, bad)
        try ground.empty()
        let drain = try await ground.drain([
            "-s", "lanes=2", "-s", "batching.rows=10000", "-s", "batching.bytes=16MiB", "-s", "limits.reply=16MiB",
            "-s", "dead_letter.mirror_max=0",
        ])
        let letters = rows / 10_000 * bad
        guard drain.stored == rows - letters, drain.letters == letters else {
            throw CommandFailure("the worker did not dispose of every row as it should")
        }
        return Double(rows) / drain.seconds
    }

    /// A stream of trades, the bad ones evenly among them.
    private func publish(_ fault: Fault?, _ bad: Int) throws {
        let redis = try ground.connectRedis()
        try redis.command("FLUSHALL", timeout: .seconds(30))
        let step = bad == 0 ? Int.max : 10_000 / bad
        var commands = CommandBuffer()
        for row in 0..<rows {
            let isBad = row % step == step / 2
            commands.append(
                "XADD", .text(Self.stream), "*", "time", "1735689600.\(row % 1_000)", "exchange", "X", "symbol",
                "S\(row % 50)-USD", "trade_id", .integer(row), "price",
                isBad && fault == .codec ? "n/a" : "\(100 + row % 7).25", "amount",
                isBad && fault == .database ? "-1" : "0.5", "side", row.isMultiple(of: 2) ? "buy" : "sell")
            if commands.commandCount == 1_000 || row == rows - 1 {
                let replies = try redis.pipeline(commands, timeout: .seconds(30))
                guard replies.allSatisfy({ $0.error == nil }) else { throw CommandFailure("Redis refused a trade") }
                commands.removeAll()
            }
        }
    }
}
