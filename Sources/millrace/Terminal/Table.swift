/// Aligned columns for people. Every cell is made harmless for a terminal.
struct Table {
    struct Column {
        var title: String
        var isNumber = false

        init(_ title: String, number: Bool = false) {
            self.title = title
            isNumber = number
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// One cell for each column.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map { SafeText.escape($0) })
    }

    var isEmpty: Bool { rows.isEmpty }

    func print() {
        let bold = Terminal.hasColours(Terminal.standardOutput)
        for (index, line) in lines().enumerated() {
            Output.print(bold && index == 0 ? "\u{1B}[1m\(line)\u{1B}[0m" : line)
        }
    }

    /// The titles, then the rows; without blanks at the end of a line.
    func lines() -> [String] {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { cells in
            var line = ""
            for (column, cell) in cells.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                line += columns[column].isNumber ? blanks + cell : cell + blanks
                line += column == cells.count - 1 ? "" : "  "
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
