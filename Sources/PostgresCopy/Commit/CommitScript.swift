import PostgresWire
import Records

/// A unit as query strings, the data that go with them, and the answers they must have.
struct CommitScript {
    struct Message {
        var sql: String
        var steps: [CopyState.Step]
    }

    /// Data of one COPY; the index is the one in ``CopyState/Step/copy(_:)``.
    struct Data {
        var source: any CopySource
        var count: Int
    }

    /// One string as a rule. Two when numbers must be looked at before COMMIT may be sent.
    let messages: [Message]
    /// One per table of the unit, in its order, then perhaps the parts of large letters.
    let data: [Data]
    /// Staging tables that the transaction makes.
    let newStages: [String]

    /// - Parameters:
    ///   - known: staging tables that the session has already.
    ///   - settings: `SET LOCAL` and what it sets.
    init(_ unit: CommitUnit, known: Set<String>, settings: [String], stageLifetime: StageLifetime) {
        let parts = LetterParts(unit.letters)
        var rows = Builder()
        rows.add(Self.begin, .command("BEGIN"))
        for setting in settings { rows.add("SET LOCAL \(setting)", .command("SET")) }
        newStages = Set(unit.rows.filter(\.isStaged).map(\.target.sql.stageName)).subtracting(known).sorted()
        rows.addStages(of: unit, new: newStages, lifetime: stageLifetime)
        if parts != nil { rows.add(LetterParts.copy, .copy(unit.rows.count)) }
        for (index, table) in unit.rows.enumerated() { rows.addRows(table, index) }
        for statement in unit.statements { rows.add(statement.sql, .statement(rows: statement.rows)) }

        var end = Builder()
        end.addEnd(of: unit, targets: unit.rows.map(\.target))

        data =
            unit.rows.map { Data(source: $0.source, count: $0.count) }
            + (parts.map { [Data(source: $0.source, count: $0.count)] } ?? [])
        let looksFirst =
            unit.rows.contains(where: \.target.hasRowTriggers) || unit.statements.contains { $0.rows != nil }
        messages = looksFirst ? [rows.message, end.message] : [(rows + end).message]
    }

    /// The end of a transaction that was begun with ``opening(_:)`` and has written its rows step by step.
    /// - Parameter targets: of the rows that were written.
    init(ending unit: CommitUnit, of targets: [CopyTarget]) {
        var end = Builder()
        let parts = LetterParts(unit.letters)
        if parts != nil { end.add(LetterParts.copy, .copy(0)) }
        end.addEnd(of: unit, targets: targets)
        data = parts.map { [Data(source: $0.source, count: $0.count)] } ?? []
        newStages = []
        messages = [end.message]
    }

    private static let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

    /// The beginning of a transaction whose rows are written step by step.
    static func opening(_ settings: [String]) -> String {
        ([begin] + settings.map { "SET LOCAL \($0)" }).joined(separator: ";\n")
    }

    private struct Builder {
        var statements: [String] = []
        var steps: [CopyState.Step] = []

        var message: Message { Message(sql: statements.joined(separator: ";\n"), steps: steps) }

        static func + (lhs: Builder, rhs: Builder) -> Builder {
            Builder(statements: lhs.statements + rhs.statements, steps: lhs.steps + rhs.steps)
        }

        mutating func add(_ sql: String, _ step: CopyState.Step) {
            statements.append(sql)
            steps.append(step)
        }

        mutating func addStages(of unit: CommitUnit, new: [String], lifetime: StageLifetime) {
            for name in new {
                guard let target = unit.rows.first(where: { $0.target.sql.stageName == name })?.target else { continue }
                add(target.createStage(lifetime), .command("CREATE TABLE"))
            }
        }

        /// The number of rows written is kept for the lineage row of the same transaction.
        mutating func addRows(_ table: CommitUnit.Rows, _ index: Int) {
            let sql = table.target.sql
            guard table.isStaged else { return add(sql.copy, .copy(index)) }
            add(sql.copyToStage, .copy(index))
            add(
                "WITH new AS (\(sql.writeFromStage)) SELECT set_config("
                    + "'\(CommitScript.writtenSetting(index))', (\(sql.writtenCount))::text, true) FROM new",
                .written(index))
        }

        /// All that follows the rows, to COMMIT.
        mutating func addEnd(of unit: CommitUnit, targets: [CopyTarget]) {
            addGuard(targets)
            addFence(unit.ranges)
            let letters = unit.letters.map { $0.found(in: unit.lineage?.id) }
            if !letters.isEmpty { add(DeadLetter.insert(letters), .insert(letters.count)) }
            if let lineage = unit.lineage { addLineage(lineage, of: unit) }
            guard unit.isRehearsal else { return add("COMMIT", .commit) }
            // What a COMMIT would check.
            add("SET CONSTRAINTS ALL IMMEDIATE", .statement(rows: nil))
            add("ROLLBACK", .command("ROLLBACK"))
        }

        private mutating func addGuard(_ targets: [CopyTarget]) {
            // Where the triggers are known, counts are looked at instead.
            let shapes = Dictionary(
                targets.filter { !$0.hasRowTriggers }.map { ($0.oid, $0.shape) },
                uniquingKeysWith: { first, _ in first })
            let tables = shapes.sorted { $0.key < $1.key }
            guard !tables.isEmpty else { return }
            let oids = tables.map { String($0.key) }.joined(separator: ",")
            let texts = tables.map { SQLText.textLiteral($0.value) }.joined(separator: ",")
            add("SELECT ingest.guard_targets('{\(oids)}', ARRAY[\(texts)])", .rows)
        }

        private mutating func addFence(_ ranges: [CommitUnit.Range]) {
            guard !ranges.isEmpty else { return }
            add("SELECT ingest.fence(\(CommitScript.arrays(of: ranges)))", .rows)
        }

        private mutating func addLineage(_ lineage: BatchLineage, of unit: CommitUnit) {
            let ranges = lineage.earlier.ranges + unit.ranges
            add(
                "WITH entry AS (\(CommitScript.batchRow(lineage, of: unit))) "
                    + "INSERT INTO ingest.batch_range (source_no, lo, hi, n, batch) "
                    + "SELECT s, a, b, c, '\(lineage.id)'::uuid FROM unnest(\(CommitScript.arrays(of: ranges))) "
                    + "AS t(s, a, b, c)",
                .insert(ranges.count))
        }
    }

    static func writtenSetting(_ index: Int) -> String { "millrace.written_\(index)" }

    /// The four arrays that the fence takes: digits and commas only.
    static func arrays(of ranges: [CommitUnit.Range]) -> String {
        func array(_ type: String, _ value: (CommitUnit.Range) -> String) -> String {
            "'{\(ranges.map(value).joined(separator: ","))}'::\(type)[]"
        }
        return [
            array("int") { String($0.source.rawValue) }, array("uuid") { $0.ids.lower.uuidHex },
            array("uuid") { $0.ids.upper.uuidHex }, array("bigint") { String($0.count) },
        ].joined(separator: ",")
    }

    private static func batchRow(_ lineage: BatchLineage, of unit: CommitUnit) -> String {
        let earlier = lineage.earlier
        let direct = unit.rows.filter { !$0.isStaged }.reduce(0) { $0 + $1.count }
        let staged = unit.rows.filter(\.isStaged).reduce(0) { $0 + $1.count }
        let written = unit.rows.indices.filter { unit.rows[$0].isStaged }.map { index in
            " + current_setting('\(writtenSetting(index))')::bigint"
        }.joined()
        let tables = earlier.tables.union(unit.rows.map(\.target.table.description)).sorted()
        let readAt = lineage.readAtMicroseconds.map { "to_timestamp(\($0)::numeric / 1000000)" } ?? "NULL"
        let values = [
            "'\(lineage.id)'", SQLText.textLiteral(lineage.worker), String(lineage.lane),
            "ARRAY[\(tables.map { SQLText.textLiteral($0) }.joined(separator: ","))]::text[]",
            "\(earlier.rows + direct)\(written)",
            "\(earlier.duplicates + staged) - (0\(written))", String(earlier.letters + unit.letters.count),
            String(lineage.bytes), SQLText.textLiteral(lineage.sealedBy), readAt,
        ]
        return "INSERT INTO ingest.batch (batch, worker, lane, tables, rows, duplicates, letters, bytes, sealed_by, "
            + "read_at) VALUES (\(values.joined(separator: ", ")))"
    }
}

/// How long a staging table lives.
public enum StageLifetime: Sendable {
    /// As long as the session: made once.
    case session
    /// Made in each transaction; needed behind a transaction pooler.
    case transaction

    var onCommit: String {
        switch self {
        case .session: "DELETE ROWS"
        case .transaction: "DROP"
        }
    }
}
