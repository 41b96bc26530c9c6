import ArgumentParser
import PostgresCopy
import PostgresWire
import Records
import Settings

struct BatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch", abstract: "List and inspect committed batches.",
        discussion: """
            EXAMPLES
              millrace batch ls --limit 20
              millrace batch inspect 5f0c2a94-8d7e-4c1b-9a34-0d6f1f6a7b21
            """,
        subcommands: [BatchList.self, BatchInspect.self])
}

/// A batch as JSON.
struct BatchLine: Encodable {
    struct Range: Encodable {
        var source: Int32
        var stream: String
        var from: String
        var to: String
        var entries: Int64
    }

    var batch: String
    var worker: String
    var lane: Int
    var tables: [String]
    var rows: Int64
    var duplicates: Int64
    var letters: Int64
    var bytes: Int64
    var sealedBy: String
    var readAt: String?
    var committedAt: String
    var ranges: [Range]?
    /// There are more than these.
    var hasMoreRanges: Bool?
    var proof: [String]?

    private enum CodingKeys: String, CodingKey {
        case batch, worker, lane, tables, rows, duplicates, letters, bytes, ranges, proof
        case hasMoreRanges = "more_ranges"
        case sealedBy = "sealed_by"
        case readAt = "read_at"
        case committedAt = "committed_at"
    }

    init(_ batch: BatchFacts) {
        self.batch = batch.batch
        worker = batch.worker
        lane = batch.lane
        tables = batch.tables
        rows = batch.rows
        duplicates = batch.duplicates
        letters = batch.letters
        bytes = batch.bytes
        sealedBy = batch.sealedBy
        readAt = batch.readAt
        committedAt = batch.committedAt
    }
}

struct BatchList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List committed batches, the newest first.",
        discussion: """
            Lineage is pruned by age; the ledger is not, and knows every entry.

            EXAMPLES
              millrace batch ls
              millrace batch ls --limit 100 --json
            """)

    @OptionGroup var page: PageOptions
    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        _ = try start()
    }

    func run() throws {
        let store = LineageStore(try Servers(try source.load()).postgres())
        let found = try store.batches(limit: page.limit + 1, after: try start(), deadline: LetterDesk.deadline)
        let shown = found.prefix(page.limit)
        if output.isJSON {
            for batch in shown { try Output.json(BatchLine(batch)) }
        } else if shown.isEmpty {
            Output.print("no batches")
        } else {
            show(Array(shown))
        }
        page.tellNext(found.count > page.limit ? shown.last?.cursor : nil)
    }

    private func show(_ batches: [BatchFacts]) {
        var table = Table([
            .init("BATCH"), .init("COMMITTED"), .init("WORKER"), .init("ROWS", number: true),
            .init("DUPLICATES", number: true), .init("LETTERS", number: true), .init("TABLES"),
        ])
        for batch in batches {
            table.add([
                batch.batch, batch.committedAt.uptoSeconds, "\(batch.worker)/\(batch.lane)", Figures.count(batch.rows),
                Figures.count(batch.duplicates), Figures.count(batch.letters), batch.tables.joined(separator: ", "),
            ])
        }
        table.print()
    }

    private func start() throws(ValidationError) -> (microseconds: Int64, batch: HexUUID)? {
        guard let cursor = page.cursor else { return nil }
        let parts = cursor.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let microseconds = Int64(parts[0]), let batch = HexUUID(parts[1]) else {
            throw PageOptions.wrongCursor
        }
        return (microseconds, batch)
    }
}

struct BatchInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "What a batch took and stored, and the SQL that proves it.",
        discussion: """
            EXAMPLES
              millrace batch inspect 5f0c2a94-8d7e-4c1b-9a34-0d6f1f6a7b21
              millrace batch inspect 5f0c2a94-8d7e-4c1b-9a34-0d6f1f6a7b21 --json
            """)

    @Argument(help: "The batch.")
    var batch: BatchArgument

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private static let limit = 10_000

    func run() throws {
        let store = LineageStore(try Servers(try source.load()).postgres())
        let deadline = LetterDesk.deadline
        guard let facts = try store.batches(limit: 1, batch: batch.batch, deadline: deadline).first else {
            throw CommandFailure("no such batch, or its lineage was pruned", fix: "see `millrace batch ls`")
        }
        let found = try store.ranges(of: batch.batch, limit: Self.limit + 1, deadline: deadline)
        let ranges = Array(found.prefix(Self.limit))
        let hasMore = found.count > ranges.count
        if output.isJSON {
            var line = BatchLine(facts)
            line.ranges = ranges.map {
                .init(
                    source: $0.source.rawValue, stream: JSONName($0.stream).text, from: $0.ids.lower.description,
                    to: $0.ids.upper.description, entries: $0.count)
            }
            line.hasMoreRanges = hasMore
            line.proof = Self.proof(facts.batch)
            return try Output.json(line)
        }
        show(facts, ranges, hasMore: hasMore)
    }

    /// Every entry of the batch is in the ledger, and its letters are where it says.
    private static func proof(_ batch: String) -> [String] {
        [
            "SELECT r.source_no, ingest.stream_id(r.lo), ingest.stream_id(r.hi), r.n, l.kind, l.committed_at "
                + "FROM ingest.batch_range r LEFT JOIN ingest.ledger l ON l.source_no = r.source_no "
                + "AND l.ids @> ingest.sidrange(r.lo, r.hi, '[]') WHERE r.batch = '\(batch)'",
            "SELECT source_no, ingest.stream_id(id), state, reason FROM ingest.dead_letter "
                + "WHERE batch = '\(batch)' OR stored_by = '\(batch)'",
        ]
    }

    private func show(_ batch: BatchFacts, _ ranges: [BatchRange], hasMore: Bool) {
        let facts = [
            ("BATCH", batch.batch), ("COMMITTED", batch.committedAt), ("READ", batch.readAt ?? "-"),
            ("WORKER", "\(batch.worker), lane \(batch.lane)"), ("TABLES", batch.tables.joined(separator: ", ")),
            ("ROWS", Figures.count(batch.rows)), ("DUPLICATES", Figures.count(batch.duplicates)),
            ("LETTERS", Figures.count(batch.letters)), ("BYTES", Figures.count(batch.bytes)),
            ("ENDED BY", batch.sealedBy),
        ]
        for (name, value) in facts {
            Output.print(name + String(repeating: " ", count: 12 - name.count) + SafeText.escape(value))
        }
        if !ranges.isEmpty {
            Output.print("")
            var table = Table([
                .init("SOURCE", number: true), .init("STREAM"), .init("FROM"), .init("TO"),
                .init("ENTRIES", number: true),
            ])
            for range in ranges {
                table.add([
                    "\(range.source)", SafeText.escape(range.stream.bytes), range.ids.lower.description,
                    range.ids.upper.description, Figures.count(range.count),
                ])
            }
            table.print()
        }
        if hasMore { Output.print("more than \(Figures.count(Self.limit)) ranges: the first statement lists them all") }
        Output.print("\nPROOF")
        for statement in Self.proof(batch.batch) { Output.print("  \(statement);") }
    }
}
