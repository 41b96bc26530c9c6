/// Finds the name somebody probably meant.
enum NearestName {
    /// The known name with the fewest edits, if they are few enough to be a slip.
    static func of(_ name: String, among known: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8)
        let best = known.map { (name: $0, edits: edits(wanted, Array($0.lowercased().utf8))) }
            .min { $0.edits < $1.edits }
        guard let best, best.edits <= max(2, wanted.count / 3) else { return nil }
        return best.name
    }

    /// Levenshtein's distance.
    private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let changed = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
