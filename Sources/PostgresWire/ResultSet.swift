/// The rows of one statement, as text.
///
/// It is a copy: it does not refer to the connection, which may be closed meanwhile.
public struct ResultSet: Sendable {
    /// The columns' names, in order.
    public let columns: [String]
    /// The command's tag, such as `SELECT 3`.
    public let tag: String
    public let count: Int
    private let bytes: [UInt8]
    /// Where cell `row * columns.count + column` lies in `bytes`; `nil` is NULL.
    private let cells: [Range<Int>?]

    init(columns: [String], tag: String, count: Int, bytes: [UInt8], cells: [Range<Int>?]) {
        self.columns = columns
        self.tag = tag
        self.count = count
        self.bytes = bytes
        self.cells = cells
    }

    static func empty(tag: String) -> ResultSet {
        ResultSet(columns: [], tag: tag, count: 0, bytes: [], cells: [])
    }

    func cell(row: Int, column: Int) -> ArraySlice<UInt8>? {
        cells[row * columns.count + column].map { bytes[$0] }
    }
}

extension ResultSet: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }
    public subscript(position: Int) -> Row { Row(set: self, index: position) }

    /// One row. Columns are found by name; asking for a name the statement does not have throws.
    public struct Row: Sendable {
        fileprivate let set: ResultSet
        fileprivate let index: Int
    }
}

extension ResultSet.Row {
    /// The value as text, or `nil` for NULL.
    public func text(_ name: String) throws(PostgresError) -> String? {
        try cell(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value, which must not be NULL.
    public func requiredText(_ name: String) throws(PostgresError) -> String {
        guard let value = try text(name) else { throw wrong(name, "NULL") }
        return value
    }

    public func integer(_ name: String) throws(PostgresError) -> Int64? {
        guard let text = try text(name) else { return nil }
        guard let value = Int64(text) else { throw wrong(name, "not an integer") }
        return value
    }

    public func requiredInteger(_ name: String) throws(PostgresError) -> Int64 {
        guard let value = try integer(name) else { throw wrong(name, "NULL") }
        return value
    }

    /// A `boolean`; NULL counts as `false`.
    public func isTrue(_ name: String) throws(PostgresError) -> Bool {
        switch try text(name) {
        case "t": true
        case "f", nil: false
        case .some: throw wrong(name, "not a boolean")
        }
    }

    /// A `bytea` in the server's `\x…` form.
    public func bytes(_ name: String) throws(PostgresError) -> [UInt8]? {
        guard let cell = try cell(name) else { return nil }
        let isHex = cell.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "x")])
        guard let bytes = isHex ? Self.unhex(cell.dropFirst(2)) : Self.unescape(cell) else {
            throw wrong(name, "not a bytea")
        }
        return bytes
    }

    private static func unhex(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(digits.count / 2)
        for index in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
            guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
            result.append(high << 4 | low)
        }
        return result
    }

    /// As a database writes it that was set to `bytea_output = escape`: a backslash twice, other bytes as they are or as
    /// three octal digits.
    private static func unescape(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let backslash = UInt8(ascii: "\\")
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte != backslash {
                result.append(byte)
            } else if rest.first == backslash {
                result.append(rest.removeFirst())
            } else {
                let octal = rest.prefix(3).compactMap { digit($0) }
                guard octal.count == 3, octal.allSatisfy({ $0 < 8 }), octal[0] < 4 else { return nil }
                result.append(octal[0] << 6 | octal[1] << 3 | octal[2])
                rest = rest.dropFirst(3)
            }
        }
        return result
    }

    private func cell(_ name: String) throws(PostgresError) -> ArraySlice<UInt8>? {
        guard let column = set.columns.firstIndex(of: name) else { throw wrong(name, "no such column") }
        return set.cell(row: index, column: column)
    }

    private func wrong(_ name: String, _ what: String) -> PostgresError {
        PostgresError(.decoding, message: "column \(name): \(what)")
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
