/// What to do about a failure of PostgreSQL or of the connection to it.
///
/// Total: every SQLSTATE has a class, and one that nobody foresaw pauses and raises an alarm. Only ``isolate(_:)``
/// leads to a dead letter, and only for an error that comes again with the row alone. The table for people is in
/// `docs/operations.md`, under "Error classes"; a test holds it against this type.
public enum FailureClass: Equatable, Hashable, Sendable {
    /// SL001: the ledger has some of the batch. Not a failure: probe, subtract, go on.
    case conflict
    /// Stop reading, keep the batch, try again with capped exponential back-off and jitter, without a limit.
    case pause(Pause)
    /// Try the batch again at once.
    case retry(Retry)
    /// Find the row to blame, or the size that fits.
    case isolate(Isolation)
    /// Halt the pipeline with a clear reason, keep everything pending, run the preflight every minute.
    case stop(Stop)

    public struct Pause: Equatable, Hashable, Sendable {
        public enum Scope: Hashable, Sendable {
            case pipeline
            /// Only the batches of this table wait; others go on.
            case table
        }

        public var scope: Scope = .pipeline
        /// Tell people at once.
        public var alerts = false
        /// The connection is gone, leads to the wrong server, or is in a state that nothing of ours explains.
        public var reconnects = false
    }

    public struct Retry: Equatable, Hashable, Sendable {
        /// Tries before the lane waits and starts over.
        public var limit = 20
        /// Half the rows at each try.
        public var halves = false
    }

    public struct Isolation: Equatable, Hashable, Sendable {
        /// The line that COPY names is the row's. Otherwise rows are halved until one fails alone: what fails while a
        /// buffer of rows is written is put down to the last of them.
        public var trustsLine = false
        /// Too much for one transaction: the batch is cut into smaller ones.
        public var cutsBatch = false
        /// It may succeed later: the letter is tried again by itself.
        public var mayHeal = false
        /// How often the row must fail alone.
        public var loneFailures = 1
        /// Pause once before the first search: the server may be short of something for everybody.
        public var pausesFirst = false
        /// When the first rows tried alone all fail alike, it is not the rows: stop.
        public var stopsWhenAllFailAlike = false
    }

    public enum Stop: Hashable, Sendable {
        /// The schema is not what the mapping expects.
        case schema
        /// Rights, login or database: keep trying slowly, they may come back.
        case access
        /// Our own mistake.
        case bug
        /// A startup parameter the pooler refuses: use SET LOCAL.
        case poolerParameter
    }

    /// A commit answered ROLLBACK: an earlier error was missed. Treated as failed.
    public static let rolledBack = FailureClass.pause(Pause(alerts: true))
    /// COPY stored another number of rows than it was given, and nothing is committed: dead-letter as `row_suppressed`.
    public static let copyCountMismatch = FailureClass.isolate(Isolation())
    /// The connection broke and said nothing.
    public static let connectionLost = FailureClass.pause(Pause(reconnects: true))
    /// Nobody foresaw it.
    public static let unforeseen = FailureClass.pause(Pause(alerts: true))
}

extension FailureClass.Isolation {
    /// Raised by a trigger, as far as can be told: the row has to fail twice alone.
    fileprivate static let trigger = Self(trustsLine: true, loneFailures: 2)
}

extension FailureClass {
    /// Classifies an error of PostgreSQL.
    /// - Parameters:
    ///   - sqlState: five characters; `nil` when there was none.
    ///   - isConnectionLost: `PQstatus` is bad. It decides before most codes, and no code stands for it: a malformed
    ///     binary row is 08P01 on a healthy connection.
    ///   - namesLine: the error's context has `COPY …, line N`.
    public init(sqlState: String?, isConnectionLost: Bool, namesLine: Bool = false) {
        guard let sqlState, sqlState.utf8.count == 5 else {
            self = isConnectionLost ? .connectionLost : .unforeseen
            return
        }
        if let exact = Self.exact(sqlState, isConnectionLost: isConnectionLost, namesLine: namesLine) {
            self = exact
        } else {
            self = Self.family(sqlState, isConnectionLost: isConnectionLost, namesLine: namesLine)
        }
    }

    private static func exact(_ code: String, isConnectionLost: Bool, namesLine: Bool) -> FailureClass? {
        switch code {
        case "SL001": .conflict
        // A target was replaced, or got a trigger that may drop rows, since it was checked.
        case "SL002": .stop(.schema)
        case "08P01" where !isConnectionLost:
            .isolate(Isolation(trustsLine: true, stopsWhenAllFailAlike: true))
        case "57014": .retry(Retry(limit: 2, halves: true))
        case "25006": .pause(Pause(alerts: true, reconnects: true))
        case "25P03", "25P04": .retry(Retry())
        case "40001", "40P01": .retry(Retry())
        case "55P03", "55006": .pause(Pause(scope: .table))
        case "53200": .isolate(Isolation(cutsBatch: true, mayHeal: true, loneFailures: 3, pausesFirst: true))
        case "53400": .isolate(Isolation(cutsBatch: true, mayHeal: true))
        case "XX000" where namesLine: .isolate(Isolation(loneFailures: 2))
        case "22P03", "22P04": .isolate(Isolation(trustsLine: true, stopsWhenAllFailAlike: true))
        case "23503": .isolate(Isolation(mayHeal: true))
        // A trigger's subquery; without a line it is a statement of ours that meets a key twice.
        case "21000": namesLine ? .isolate(.trigger) : .stop(.bug)
        case "3D000", "3F000", "0LP01", "42501": .stop(.access)
        case "42P01", "42703", "42804", "42P10", "42701", "428C9", "0A000": .stop(.schema)
        case "26000": .unforeseen
        default: nil
        }
    }

    private static func family(_ code: String, isConnectionLost: Bool, namesLine: Bool) -> FailureClass {
        switch code.prefix(2) {
        case "08": isConnectionLost ? .connectionLost : .unforeseen
        case "57": .pause(Pause(reconnects: true))
        case "25": .retry(Retry(limit: 1))
        case "40": .retry(Retry())
        // Of the server, of the session, of the state that an object is in, and our own.
        case "01", "53", "55", "58", "F0", "XX", "SL": .unforeseen
        case "22", "23", "P0": .isolate(Isolation(trustsLine: true))
        case "54": .isolate(Isolation())
        // Only functions raise these: a CASE without ELSE, SQL in other languages.
        case "20", "2F", "38", "39": .isolate(.trigger)
        case "28": .stop(.access)
        case "42": .stop(.bug)
        case "TS": code.hasPrefix("TS5") ? .retry(Retry()) : .stop(.schema)
        // Triggers may raise any code; those that are nobody else's are theirs when they come with a row.
        default: namesLine ? .isolate(.trigger) : .unforeseen
        }
    }

    /// Classifies what a connection attempt to a pooler or server answered, where only its text tells.
    public init(startupRefusal message: some StringProtocol, sqlState: String?) {
        if message.contains("unsupported startup parameter") {
            self = .stop(.poolerParameter)
        } else if message.contains("query_wait_timeout") {
            self = .connectionLost
        } else {
            self.init(sqlState: sqlState, isConnectionLost: true)
        }
    }
}
