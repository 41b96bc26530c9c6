/// What a plan did, from the lines of EXPLAIN (ANALYZE, COSTS OFF).
struct PlanSummary: Encodable, Equatable {
    /// How many nodes of each kind were run, by name, such as `Index Scan`.
    var nodes: [String: Int] = [:]
    /// Tables, chunks and partitions in the plan: what the planner could not exclude.
    var relations = 0
    /// Those of them that were read.
    var relationsRead = 0
    /// Tables, chunks and partitions that were read from end to end.
    var wholeReads = 0

    private enum CodingKeys: String, CodingKey {
        case nodes, relations
        case relationsRead = "relations_read"
        case wholeReads = "whole_reads"
    }

    init(lines: [String]) {
        for line in lines {
            guard let node = Self.node(line) else { continue }
            let wasRun = !line.contains("(never executed)")
            // A custom scan such as ChunkAppend stands for its chunks, which follow; a bitmap for its table.
            if node.contains("Scan"), line.contains(" on "), !node.hasPrefix("Bitmap Index"),
                !node.hasPrefix("Custom Scan")
            {
                relations += 1
                if wasRun { relationsRead += 1 }
                if wasRun, node.hasSuffix("Seq Scan") { wholeReads += 1 }
            }
            if wasRun { nodes[node, default: 0] += 1 }
        }
    }

    /// `  ->  Index Scan using i on t (actual …)` is `Index Scan`; other lines are details of a node.
    private static func node(_ line: String) -> String? {
        guard line.contains("(actual") || line.contains("(never executed)") else { return nil }
        var text = line[...]
        if let arrow = text.firstRange(of: "->  ") { text = text[arrow.upperBound...] }
        for end in [" using ", " on ", " (actual", " (never", "  ("] {
            if let mark = text.firstRange(of: end) { text = text[..<mark.lowerBound] }
        }
        let name = text.drop { $0 == " " }
        guard let first = name.first, first.isUppercase, !name.contains(":") else { return nil }
        return String(name)
    }

    /// Such as `Index Scan 3, Limit 1`.
    var sentence: String {
        nodes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
            .joined(separator: ", ")
    }
}
