/// Finds the name that was probably meant.
public enum NearestName {
    /// The candidate with the fewest typing errors, when they are few for its length.
    public static func find(_ text: String, among candidates: some Sequence<String>) -> String? {
        let measured = candidates.map { ($0, distance(Array(text.utf8), Array($0.utf8))) }
        guard let best = measured.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(2, text.utf8.count / 3) ? best.0 : nil
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, beforeLast[column - 2] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
