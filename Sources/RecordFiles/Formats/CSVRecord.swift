/// Records of comma-separated values (RFC 4180): quoted values may hold commas, doubled quotes and line ends.
enum CSVRecord {
    struct Cell: Equatable {
        var bytes: [UInt8] = []
        var isQuoted = false
    }

    /// The next record, empty lines skipped; `number` becomes the line it begins on.
    static func next(_ lines: inout LineReader, _ number: inout Int) throws(ReadFailure) -> [Cell]? {
        while var text = try lines.next() {
            number = lines.number
            if text.isEmpty || text == [0x0D] { continue }
            var parser = CSVParser()
            var consumed = 0
            while true {
                try parser.feed(text)
                consumed += text.count + 1
                if !parser.isInsideQuotes { return try parser.finish() }
                guard let more = try lines.next(pending: consumed) else {
                    throw ReadFailure("a quoted value does not end")
                }
                parser.lineFeed()
                text = more
            }
        }
        return nil
    }
}

/// One record's state across lines.
struct CSVParser {
    private var cells: [CSVRecord.Cell] = []
    private var cell = CSVRecord.Cell()
    private(set) var isInsideQuotes = false
    /// A quote inside a quoted value: its end, unless another quote follows.
    private var isAfterQuote = false

    mutating func lineFeed() { cell.bytes.append(0x0A) }

    mutating func feed(_ text: [UInt8]) throws(ReadFailure) {
        for (index, byte) in text.enumerated() {
            if isInsideQuotes {
                if byte == UInt8(ascii: "\"") {
                    isInsideQuotes = false
                    isAfterQuote = true
                } else {
                    cell.bytes.append(byte)
                }
            } else {
                try plain(byte, isLast: index == text.count - 1)
            }
        }
    }

    private mutating func plain(_ byte: UInt8, isLast: Bool) throws(ReadFailure) {
        switch byte {
        case UInt8(ascii: "\"") where isAfterQuote:
            cell.bytes.append(byte)
            isInsideQuotes = true
            isAfterQuote = false
        case UInt8(ascii: "\"") where cell.bytes.isEmpty && !cell.isQuoted:
            isInsideQuotes = true
            cell.isQuoted = true
        case UInt8(ascii: "\""):
            throw ReadFailure("a quote inside a value that is not quoted")
        case UInt8(ascii: ","):
            endCell()
        case 0x0D where isLast:
            break
        default:
            if isAfterQuote { throw ReadFailure("something follows a quoted value") }
            cell.bytes.append(byte)
        }
    }

    private mutating func endCell() {
        cells.append(cell)
        cell = CSVRecord.Cell()
        isAfterQuote = false
    }

    mutating func finish() throws(ReadFailure) -> [CSVRecord.Cell] {
        endCell()
        return cells
    }
}
