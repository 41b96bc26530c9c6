extension DemoReport {
    func print(_ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(Facts(self)) }
        Output.print("")
        printTables()
        Output.print("")
        for line in sentences { Output.print("  " + SafeText.escape(line)) }
        Output.print("")
        for line in Self.suggestions { Output.print(line) }
    }

    private func printTables() {
        var table = Table([
            .init("TABLE"), .init("ENTRIES", number: true), .init("ROWS", number: true),
            .init("SAME KEY", number: true), .init("EXPECTED", number: true), .init(""),
        ])
        for line in tables + [total] {
            table.add([
                line.name, Figures.count(line.entries), Figures.count(line.rows),
                Figures.count(line.entries - line.rows), Figures.count(line.expected),
                line.rows == line.expected ? "ok" : "WRONG",
            ])
        }
        table.print()
    }

    private var total: Target {
        Target(
            name: "total", entries: tables.reduce(0) { $0 + $1.entries }, rows: tables.reduce(0) { $0 + $1.rows },
            expected: tables.reduce(0) { $0 + $1.expected })
    }

    private var sentences: [String] {
        let letters = Figures.count(letterCount)
        let verdict =
            deadLetters == garbage ? "all of them the garbage, each for its own reason" : "WRONG: \(deadLetters)"
        let parts = [
            "\(Figures.count(ledger.written)) rows written or updated",
            "\(Figures.count(ledger.duplicates)) there already",
            "\(letters) dead letters",
        ]
        let (half, most) = (Figures.decimal(steady.p50, digits: 1), Figures.decimal(steady.p99, digits: 1))
        let seconds = Figures.decimal(speed.seconds, digits: 1)
        return [
            "lost          \(lost)",
            "twice         \(twice)",
            "pending       \(Figures.count(pending))",
            "dead letters  \(letters): \(verdict)",
            "ledger        \(Figures.count(ledger.entries)) entries \(isBalanced ? "=" : "IS NOT") "
                + parts.joined(separator: " + "),
            "latency       p50 \(half) ms, p99 \(most) ms from XADD to COMMIT at "
                + "\(Figures.count(steady.rate)) entries/s",
            "speed         \(Figures.count(speed.perSecond)) entries/s: a backlog of "
                + "\(Figures.count(speed.entries)) in \(seconds) s, two workers",
            "took          \(Figures.age(elapsed)), on \(tier)",
        ]
    }

    private static let suggestions = [
        "What to try next",
        "  \(DevAddresses.program) dev          servers of your own, until Ctrl-C; it prints how to publish and look",
        "  docs/getting-started.md   your own stream into your own table",
    ]

    /// The report as JSON.
    private struct Facts: Encodable {
        var ok: Bool
        var source: String
        var tier: String
        var tables: [Target]
        var ledger: Ledger
        var published: Int
        var lost: Int
        var twice: Int
        var pending: Int
        var garbage: Int
        var deadLetters: [String: Int]
        var latency: Steady
        var entriesPerSecond: Int
        var seconds: Double

        init(_ report: DemoReport) {
            ok = report.isRight
            source = report.source
            tier = report.tier
            tables = report.tables
            ledger = report.ledger
            published = report.published
            lost = report.lost
            twice = report.twice
            pending = report.pending
            garbage = report.garbage.values.reduce(0, +)
            deadLetters = report.deadLetters
            latency = report.steady
            entriesPerSecond = report.speed.perSecond
            seconds = (report.elapsed.seconds * 10).rounded() / 10
        }

        private enum CodingKeys: String, CodingKey {
            case ok, source, tier, tables, ledger, published, lost, twice, pending, garbage, latency, seconds
            case deadLetters = "dead_letters"
            case entriesPerSecond = "entries_per_second"
        }
    }
}
