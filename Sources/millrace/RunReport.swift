import IngestPipeline
import Records

/// What `run --drain` came to, for people and as JSON.
struct RunReport: Encodable {
    private let isDrained: Bool
    private let summary: RunSummary

    init(_ summary: RunSummary, isDrained: Bool) {
        self.summary = summary
        self.isDrained = isDrained
    }

    func print(_ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(self) }
        for line in lines { Output.print(line) }
    }

    private var lines: [String] {
        let figures = summary.figures
        let letters = figures.letters.values.reduce(0, +)
        var lines = [
            """
            committed \(Figures.count(figures.entries)) entries: \(Figures.count(figures.rows)) rows, \
            \(Figures.count(figures.duplicates)) duplicates, \(Figures.count(letters)) dead letters
            """
        ]
        if figures.covered > 0 { lines.append("stored already: \(Figures.count(figures.covered)) entries") }
        if letters > 0 { lines.append("dead letters of this run: \(causes)") }
        if figures.retried > 0 {
            lines.append("earlier dead letters stored: \(Figures.count(figures.retried))")
        }
        lines.append(stock)
        return lines
    }

    /// Such as `missing_field 2, not_a_number 1`, the most first.
    private var causes: String {
        summary.figures.letters.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { "\($0.key.rawValue) \(Figures.count($0.value))" }.joined(separator: ", ")
    }

    private var stock: String {
        guard let letters = summary.letters else { return "open dead letters: not known, the database did not answer" }
        let mirror = letters.unmirrored.map { "; not yet in the dead-letter stream: \(Figures.count($0))" } ?? ""
        return "open dead letters: \(Figures.count(letters.open)), to be retried: \(Figures.count(letters.scheduled))"
            + mirror
    }

    // MARK: JSON

    private enum CodingKeys: String, CodingKey {
        case drained, entries, rows, duplicates, retried
        case covered = "stored_already"
        case letters = "dead_letters"
        case open = "dead_letters_open"
        case scheduled = "retries_scheduled"
        case unmirrored = "mirror_backlog"
    }

    func encode(to encoder: any Encoder) throws {
        let figures = summary.figures
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isDrained, forKey: .drained)
        try container.encode(figures.entries, forKey: .entries)
        try container.encode(figures.rows, forKey: .rows)
        try container.encode(figures.duplicates, forKey: .duplicates)
        try container.encode(figures.covered, forKey: .covered)
        try container.encode(figures.retried, forKey: .retried)
        let letters = figures.letters.map { ($0.key.rawValue, $0.value) }
        try container.encode(Dictionary(uniqueKeysWithValues: letters), forKey: .letters)
        try container.encode(summary.letters?.open, forKey: .open)
        try container.encode(summary.letters?.scheduled, forKey: .scheduled)
        try container.encode(summary.letters?.unmirrored, forKey: .unmirrored)
    }
}
