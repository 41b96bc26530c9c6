import IngestCore
import PostgresCopy
import PostgresWire
import Records

/// Why the database does not take a row: for the letter, and for whether it may heal.
struct Refusal: Equatable, Sendable {
    var rejection: Rejection
    var constraint: String?
    /// The server's words; they may quote the record.
    var detail: String?

    /// Longer words of the server are cut.
    private static let detailCharacters = 2_000

    init(_ rejection: Rejection, detail: String? = nil) {
        self.rejection = rejection
        self.detail = detail
    }

    /// - Parameter table: the table of the mapping; the server may name a chunk of it.
    init(_ error: PostgresError, table: String?) {
        let reason: Rejection.Reason =
            error.isSuppressedRow ? .suppressed : error.isMissingPartition ? .noPartition : .refused
        rejection = Rejection(
            reason, column: error.column ?? error.copyLocation?.column, table: table ?? error.table,
            sqlState: error.sqlState?.code)
        constraint = error.constraint
        let words = [error.message, error.detail ?? ""].filter { !$0.isEmpty }.joined(separator: ": ")
        detail = words.isEmpty ? nil : String(words.prefix(Self.detailCharacters))
    }

    /// Whether another try later may succeed although nobody touched the letter.
    var mayHeal: Bool {
        [.refused, .noPartition].contains(rejection.reason)
            && RetrySchedule.mayHeal(sqlState: rejection.sqlState, constraint: constraint)
    }
}
