import Records

/// All that `stats` tells.
struct StatsReport: Encodable {
    struct Line: Encodable {
        var report: StreamReport
        var stored: Int64?
        var open: Int64?
        var lastCommit: String?

        private enum CodingKeys: String, CodingKey {
            case stored
            case open = "dead_letters_open"
            case lastCommit = "last_commit"
        }

        func encode(to encoder: any Encoder) throws {
            try report.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(stored, forKey: .stored)
            try container.encode(open, forKey: .open)
            try container.encode(lastCommit, forKey: .lastCommit)
        }
    }

    struct Totals: Encodable {
        var streams = 0
        var length = 0
        /// `nil` when the lag of a stream is not known.
        var lag: Int? = 0
        var pending = 0
        var oldestPendingSeconds: Double?
        var consumers = 0
        var stored: Int64?
        var open: Int64?

        private enum CodingKeys: String, CodingKey {
            case streams, length, lag, pending, consumers, stored
            case oldestPendingSeconds = "oldest_pending_seconds"
            case open = "dead_letters_open"
        }
    }

    struct Database: Encodable {
        var answers: Bool
        var problem: String?
    }

    /// A consumer that holds entries and whose lane says nothing: they are taken over.
    struct DeadConsumer: Encodable {
        var consumer: String
        var pending: Int
    }

    var group: String
    /// `nil` without the database.
    var accounting: LossFacts?
    var deadConsumers: [DeadConsumer]
    var streams: [Line]
    var totals: Totals
    var database: Database

    private enum CodingKeys: String, CodingKey {
        case group, accounting, streams, totals, database
        case deadConsumers = "dead_consumers"
    }

    init(
        group: String, reports: [StreamReport], ledger: LedgerFacts, losses: LossFacts?, dead: [DeadConsumer]
    ) {
        self.group = group
        accounting = losses
        deadConsumers = dead
        database = Database(answers: ledger.problem == nil, problem: ledger.problem)
        let isKnown = ledger.problem == nil
        streams = reports.map { report in
            let row = ledger.rows[report.key]
            return Line(
                report: report, stored: row?.stored ?? (isKnown ? 0 : nil), open: row?.open ?? (isKnown ? 0 : nil),
                lastCommit: row?.lastCommit)
        }
        totals = Self.sum(streams)
    }

    private static func sum(_ lines: [Line]) -> Totals {
        var totals = Totals()
        var consumers: Set<String> = []
        for line in lines where line.report.exists {
            totals.streams += 1
            totals.length += line.report.length
            totals.lag = totals.lag.flatMap { sum in line.report.lag.map { sum + $0 } }
            totals.pending += line.report.pending
            consumers.formUnion(line.report.consumers)
        }
        totals.oldestPendingSeconds = lines.compactMap(\.report.oldestPending).max()?.seconds
        totals.consumers = consumers.count
        // Streams that are gone from Redis are still stored.
        totals.stored = total(lines.map(\.stored))
        totals.open = total(lines.map(\.open))
        return totals
    }

    private static func total(_ values: [Int64?]) -> Int64? {
        values.contains(nil) ? nil : values.reduce(0) { $0 + ($1 ?? 0) }
    }

    func print() {
        var table = Table([
            .init("STREAM"), .init("LENGTH", number: true), .init("ADDED", number: true), .init("LAST ID"),
            .init("DELIVERED"), .init("LAG", number: true), .init("PENDING", number: true),
            .init("OLDEST", number: true), .init("CONSUMERS", number: true), .init("STORED", number: true),
            .init("DEAD", number: true),
        ])
        for line in streams { table.add(Self.cells(line)) }
        table.add([
            "total (\(totals.streams))", Figures.count(totals.length), "", "", "",
            Figures.count(totals.lag.map { Int64($0) }), Figures.count(totals.pending),
            totals.oldestPendingSeconds.map { Figures.age(.seconds($0)) } ?? "-", String(totals.consumers),
            Figures.count(totals.stored), Figures.count(totals.open),
        ])
        table.print()
        if let accounting { Output.print(accounting.text) }
        for consumer in deadConsumers {
            Output.print(
                "dead consumer \(SafeText.escape(consumer.consumer)) holds \(Figures.count(consumer.pending)) entries")
        }
        let paused = streams.filter { $0.report.paused != nil }.map { SafeText.escape($0.report.key.bytes) }
        if !paused.isEmpty { Output.print("paused: \(paused.joined(separator: ", "))") }
        if let problem = database.problem { Output.complain("STORED and DEAD are not known: \(problem)") }
    }

    private static func cells(_ line: Line) -> [String] {
        let report = line.report
        let name = SafeText.escape(report.key.bytes)
        let database = [Figures.count(line.stored), Figures.count(line.open)]
        guard report.exists else {
            return [name, report.problem ?? "absent", "-", "-", "-", "-", "-", "-", "-"] + database
        }
        return [
            name, Figures.count(report.length), Figures.count(report.entriesAdded.map { Int64($0) }),
            report.lastID?.description ?? "-", report.lastDelivered?.description ?? "-",
            Figures.count(report.lag.map { Int64($0) }), Figures.count(report.pending),
            report.oldestPending.map { Figures.age($0) } ?? "-", String(report.consumers.count),
        ] + database
    }
}
