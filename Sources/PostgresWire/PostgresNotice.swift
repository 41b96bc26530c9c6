/// A notice or warning that the server sent beside the result of a call.
public struct PostgresNotice: Equatable, Sendable {
    /// `WARNING`, `NOTICE`, `INFO` and so on, never translated.
    public var severity: String
    public var sqlState: SQLState?
    /// The server's words; they may quote a value of a row.
    public var message: String

    public init(severity: String, sqlState: SQLState?, message: String) {
        self.severity = severity
        self.sqlState = sqlState
        self.message = message
    }

    /// Whether the server calls it a warning: something was done, but not as asked.
    public var isWarning: Bool { severity == "WARNING" }
}
