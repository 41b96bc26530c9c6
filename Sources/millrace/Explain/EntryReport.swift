import IngestPipeline
import PostgresCopy
import RecordCodec
import Records
import RedisStreams

/// An entry's story, for people and as JSON.
struct EntryReport: Encodable {
    private struct Column: Encodable {
        var column: String
        var from: String
    }

    private let facts: EntryFacts

    init(_ facts: EntryFacts) {
        self.facts = facts
    }

    private enum CodingKeys: String, CodingKey {
        case stream, id, fate, explanation, delivered, pending, source, batch, letter, table, columns, rejection
        case streamHex = "stream_hex"
        case isInStream = "in_stream"
        case range, floor
        case committedAt = "committed_at"
        case rowIsThere = "row_is_there"
        case trialProblem = "trial_problem"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let name = JSONName(facts.stream)
        try container.encode(name.text, forKey: .stream)
        try container.encodeIfPresent(name.hex, forKey: .streamHex)
        try container.encode(facts.id.description, forKey: .id)
        try container.encode(facts.fate.word, forKey: .fate)
        try container.encode(facts.fate.sentence, forKey: .explanation)
        try container.encode(facts.isInStream, forKey: .isInStream)
        try container.encode(facts.isDelivered, forKey: .delivered)
        try container.encodeIfPresent(facts.pending?.consumer, forKey: .pending)
        if let covering = facts.covering {
            try container.encode(covering.source.rawValue, forKey: .source)
            try container.encodeIfPresent(
                covering.range.map { [$0.lower.description, $0.upper.description] }, forKey: .range)
            try container.encode(covering.isFloor, forKey: .floor)
            try container.encodeIfPresent(covering.committedAt, forKey: .committedAt)
            try container.encodeIfPresent(covering.batch, forKey: .batch)
        }
        try container.encodeIfPresent(facts.letter.map { LetterLine(letter: $0) }, forKey: .letter)
        switch facts.trial {
        case .row(let mapping, let isThere):
            try container.encode(mapping.table, forKey: .table)
            try container.encode(Self.columns(mapping), forKey: .columns)
            try container.encodeIfPresent(isThere, forKey: .rowIsThere)
        case .rejected(let rejection): try container.encode("\(rejection)", forKey: .rejection)
        case .noStream, nil: break
        }
        try container.encodeIfPresent(facts.trialProblem, forKey: .trialProblem)
    }

    func print() {
        Output.print(SafeText.escape("\(facts.stream) \(facts.id): \(facts.fate.sentence)"))
        var lines = [("STREAM", facts.isInStream ? "still there" : "not there (any more)")]
        if let pending = facts.pending {
            lines.append(
                (
                    "PENDING",
                    "\(pending.consumer), for \(Figures.age(pending.idle)), delivered \(pending.deliveries) times"
                ))
        }
        if let covering = facts.covering, let range = covering.range {
            let kind = covering.isFloor ? "floor up to \(range.upper)" : "\(range.lower) … \(range.upper)"
            lines.append(
                (
                    "LEDGER",
                    "source \(covering.source), \(kind)" + (covering.committedAt.map { ", \($0.uptoSeconds)" } ?? "")
                ))
        } else {
            lines.append(("LEDGER", "no row covers it"))
        }
        if let batch = facts.covering?.batch { lines.append(("BATCH", "\(batch): see `millrace batch inspect`")) }
        for letter in facts.letters {
            lines.append(("LETTER", "\(letter.key), \(letter.state.word): \(letter.reason)"))
        }
        switch facts.trial {
        case .noStream: lines.append(("MAPPING", "none names the stream"))
        case .rejected(let rejection): lines.append(("MAPPING", "refused now: \(rejection)"))
        case .row(let mapping, let isThere):
            let row = isThere.map { $0 ? ", its row is there" : ", its row is not there" } ?? ""
            lines.append(("MAPPING", "\(mapping.name) to \(mapping.table)\(row)"))
            for column in Self.columns(mapping) { lines.append(("", "\(column.column) <- \(column.from)")) }
        case nil: break
        }
        if let problem = facts.trialProblem { lines.append(("MAPPING", "cannot be tried now: \(problem)")) }
        for (name, text) in lines {
            Output.print(SafeText.escape(name + String(repeating: " ", count: 9 - name.count) + text))
        }
    }

    private static func columns(_ mapping: StreamMapping) -> [Column] {
        mapping.columns.map { column in
            let from =
                switch column.source {
                case .fields(let names): names.joined(separator: " or ")
                case .present(let rules): "whether there is " + rules.map(\.field).joined(separator: ", ")
                case .entryID: "the entry's id"
                case .entryTime: "the time in the entry's id"
                case .streamName: "the stream's name"
                case .constant(let text): "\"\(text)\""
                }
            return Column(column: column.column, from: from)
        }
    }
}
