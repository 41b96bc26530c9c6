/// What went wrong between this process and PostgreSQL.
///
/// `description` is bland: codes and names of the schema, never a value of a row, so that it can be logged and shown.
/// The server's own words are in ``message``, ``detail`` and ``context``. They may quote rows, so that they appear in
/// ``explanation`` and `debugDescription` only; but for codes such as a missing right, whose message says which and
/// quotes nothing else, it is part of `description`.
public struct PostgresError: Error, Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// The connection string, or a name or value given to a call, cannot be used. Nothing was sent.
        case configuration
        /// No session could be opened: refused, unreachable, login rejected, wrong kind of server.
        case connect
        /// The server reported an error.
        case server
        /// The session ended without a word from the server.
        case connectionLost
        /// The deadline passed. The connection was closed, because a late answer would meet the next call.
        case timeout
        /// The server's answer is not one that the call can have. The connection was closed.
        case unexpectedResult
        /// A value of a result is not what the caller took it for.
        case decoding
    }

    public var kind: Kind
    /// The server's code; `nil` when the server said nothing.
    public var sqlState: SQLState?
    /// Whether the session is gone: libpq says `CONNECTION_BAD`, or we closed it. Never derived from the code.
    public var isConnectionLost = false
    /// The server's, or libpq's, primary message. It may quote a value of a row.
    public var message = ""
    public var detail: String?
    public var hint: String?
    /// Where it happened, such as `COPY t, line 3, column price: "x"`. It may quote a whole row.
    public var context: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?

    public init(_ kind: Kind, message: String = "", sqlState: SQLState? = nil, isConnectionLost: Bool = false) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
        self.isConnectionLost = isConnectionLost
    }

    /// The row of a COPY that is to blame, counted from 1, and its table and column, where the server names them.
    public var copyLocation: CopyLocation? { context.flatMap(CopyLocation.init(context:)) }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .configuration: "PostgreSQL configuration: \(message)"
        case .connect: "cannot connect to PostgreSQL: \(message)" + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
        case .server: isMessageBland ? "\(facts): \(message)" : facts
        case .connectionLost: "connection to PostgreSQL lost"
        case .timeout: "PostgreSQL did not answer in time: \(message)"
        case .unexpectedResult: "unexpected answer from PostgreSQL: \(message)"
        case .decoding: "unexpected value from PostgreSQL: \(message)"
        }
    }

    /// For whoever works on the database: with the server's words, which may quote a value of a row.
    public var explanation: String { kind == .server ? "\(message) (\(facts))" : description }

    /// A trigger may raise any code with any words.
    private var isMessageBland: Bool {
        sqlState?.hasBlandMessage == true && !message.isEmpty && context?.contains("RAISE") != true
    }

    private var facts: String {
        var text = "PostgreSQL error, SQLSTATE \(sqlState?.code ?? "unknown")"
        let relation = [schema, table].compactMap(\.self).joined(separator: ".")
        if !relation.isEmpty { text += ", table \(relation)" }
        if let column { text += ", column \(column)" }
        if let constraint { text += ", constraint \(constraint)" }
        if let line = copyLocation?.line { text += ", row \(line) of the COPY" }
        if isConnectionLost { text += ", connection lost" }
        return text
    }
}

extension PostgresError: CustomDebugStringConvertible {
    public var debugDescription: String {
        var text = kind == .server ? facts : description
        if kind == .server || kind == .connectionLost, !message.isEmpty { text += "; message: \(message)" }
        if let detail { text += "; detail: \(detail)" }
        if let hint { text += "; hint: \(hint)" }
        if let context { text += "; context: \(context)" }
        return text
    }
}
