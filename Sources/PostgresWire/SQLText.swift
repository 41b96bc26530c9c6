/// How names and the few values that are not parameters are written into SQL.
public enum SQLText {
    /// The largest name PostgreSQL keeps, in bytes; longer ones it cuts silently, which would name something else.
    public static let maximumNameBytes = 63

    /// The one function that quotes identifiers.
    /// - Throws: ``PostgresError/Kind/configuration`` for an empty name, one longer than 63 bytes, or one with a NUL.
    public static func quoteIdentifier(_ name: String) throws(PostgresError) -> String {
        guard !name.isEmpty else { throw PostgresError(.configuration, message: "a name is empty") }
        guard name.utf8.count <= maximumNameBytes else {
            throw PostgresError(.configuration, message: "a name is longer than \(maximumNameBytes) bytes: \(name)")
        }
        guard !name.utf8.contains(0) else {
            throw PostgresError(.configuration, message: "a name holds a NUL character")
        }
        var quoted = "\""
        for scalar in name.unicodeScalars {
            if scalar == "\"" { quoted.unicodeScalars.append("\"") }
            quoted.unicodeScalars.append(scalar)
        }
        quoted.unicodeScalars.append("\"")
        return quoted
    }

    /// A string constant, for names of ours that cannot be a parameter. Values of records never come here.
    /// - Throws: ``PostgresError/Kind/configuration`` for a NUL.
    public static func quoteLiteral(_ text: String) throws(PostgresError) -> String {
        guard !text.utf8.contains(0) else {
            throw PostgresError(.configuration, message: "a text holds a NUL character")
        }
        var quoted = text.utf8.contains(UInt8(ascii: "\\")) ? " E'" : "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" || scalar == "\\" { quoted.unicodeScalars.append(scalar) }
            quoted.unicodeScalars.append(scalar)
        }
        quoted.unicodeScalars.append("'")
        return quoted
    }

    /// `E'\\x…'::bytea`: any bytes as a constant of hexadecimal digits, in which nothing needs quoting. It means the same
    /// whatever `standard_conforming_strings` is.
    public static func byteaLiteral(_ bytes: some Collection<UInt8>) -> String {
        "E'\\\\x" + hex(bytes) + "'::bytea"
    }

    /// A text constant that is sent as hexadecimal digits, whatever characters it holds.
    ///
    /// A NUL cannot be stored in a text and becomes U+FFFD.
    public static func textLiteral(_ text: String) -> String {
        let clean =
            text.utf8.contains(0)
            ? String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 })) : text
        return "convert_from(E'\\\\x" + hex(clean.utf8) + "','UTF8')"
    }

    /// Two lower-case digits for each byte.
    public static func hex(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var next = 0
            for byte in bytes {
                buffer[next] = hexDigit(byte >> 4)
                buffer[next + 1] = hexDigit(byte & 15)
                next += 2
            }
            return next
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }
}

/// A table's name, with its schema or to be found by the search path.
public struct TableName: Hashable, Sendable {
    public var schema: String?
    public var name: String

    public init(schema: String? = nil, _ name: String) {
        self.schema = schema
        self.name = name
    }

    /// The name as SQL. Throws as ``SQLText/quoteIdentifier(_:)`` does.
    public func quoted() throws(PostgresError) -> String {
        let table = try SQLText.quoteIdentifier(name)
        guard let schema else { return table }
        return try SQLText.quoteIdentifier(schema) + "." + table
    }
}

extension TableName: Comparable {
    public static func < (lhs: TableName, rhs: TableName) -> Bool {
        (lhs.schema ?? "", lhs.name) < (rhs.schema ?? "", rhs.name)
    }
}

extension TableName: CustomStringConvertible {
    public var description: String { schema.map { "\($0).\(name)" } ?? name }
}
