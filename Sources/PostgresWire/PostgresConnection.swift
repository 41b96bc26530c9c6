import CPostgres
import Glibc

/// One session with PostgreSQL over libpq.
///
/// Every call blocks its thread at most until its deadline. A call that runs into its deadline closes the connection,
/// because the late answer would meet the next call; the server may still finish what it was asked.
///
/// Not `Sendable`: it is used from one thread at a time, which need not always be the same. It closes itself when the
/// last reference goes.
///
/// A host name is resolved by the system's resolver while connecting, which knows nothing of our deadline.
public final class PostgresConnection {
    /// When a call has to be over.
    public typealias Deadline = ContinuousClock.Instant

    /// What libpq knows about the transaction.
    public enum TransactionStatus: Equatable, Sendable {
        case idle
        /// A command is in progress.
        case active
        case inTransaction
        /// In a transaction that failed and can only be rolled back.
        case inFailedTransaction
        /// The connection is bad.
        case unknown
    }

    private var raw: OpaquePointer?
    private let notices: NoticeLog

    private init(owning raw: OpaquePointer) {
        self.raw = raw
        notices = NoticeLog()
        notices.attach(to: raw)
    }

    deinit { close() }

    /// Opens a session.
    /// - Parameters:
    ///   - applicationName: shown in `pg_stat_activity`; lanes use `millrace/<worker>/<lane>`.
    ///   - deadline: the endpoint's connect timeout holds too, whichever ends first. Of several hosts each gets an
    ///     equal share of what is left.
    /// - Throws: ``PostgresError/Kind/connect`` with the server's or libpq's reason (it never holds a password), a
    ///   ``PostgresError/Kind/timeout``, or ``PostgresError/Kind/configuration``.
    public static func connect(
        to endpoint: PostgresEndpoint, applicationName: String, deadline: Deadline? = nil
    ) throws(PostgresError) -> PostgresConnection {
        let limit = Deadline.now + endpoint.connectTimeout
        let latest = deadline.map { min($0, limit) } ?? limit
        let texts = try endpoint.connectionStrings(applicationName: applicationName)
        var failures: [PostgresError] = []
        for (index, text) in texts.enumerated() {
            let now = Deadline.now
            do throws(PostgresError) {
                return try open(text, deadline: now + (latest - now) / (texts.count - index))
            } catch {
                failures.append(error)
            }
        }
        throw PostgresError(connecting: failures)
    }

    private static func open(_ text: String, deadline: Deadline) throws(PostgresError) -> PostgresConnection {
        guard let raw = PQconnectStart(text) else { throw PostgresError(.connect, message: "out of memory") }
        let connection = PostgresConnection(owning: raw)
        // Only in its verbose form does the text of a refused login have the server's code.
        PQsetErrorVerbosity(raw, PQERRORS_VERBOSE)
        try connection.establish(deadline: deadline)
        return connection
    }

    /// Whether the session stands, as far as libpq has noticed.
    public var isOpen: Bool { raw.map { PQstatus($0) == CONNECTION_OK } ?? false }

    public var transactionStatus: TransactionStatus {
        guard let raw else { return .unknown }
        return switch PQtransactionStatus(raw) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .inTransaction
        case PQTRANS_INERROR: .inFailedTransaction
        default: .unknown
        }
    }

    /// The server process of this session, or 0.
    public var serverProcessID: Int32 { raw.map { PQbackendPID($0) } ?? 0 }

    /// Such as `170011` for 17.11, or 0.
    public var serverVersion: Int32 { raw.map { PQserverVersion($0) } ?? 0 }

    /// The descriptor to poll for an answer together with other descriptors, or -1.
    public var socket: Int32 { raw.map { PQsocket($0) } ?? -1 }

    /// Ends the session now, without waiting for the server. Further calls throw.
    public func close() {
        guard let raw else { return }
        self.raw = nil
        PQfinish(raw)
    }

    /// Takes the notices and warnings that came since they were last taken.
    public func takeNotices() -> [PostgresNotice] { notices.take() }

    // MARK: For the other files of this class

    /// libpq's connection. Throws when it is closed.
    func live() throws(PostgresError) -> OpaquePointer {
        guard let raw else {
            throw PostgresError(.connectionLost, message: "the connection is closed", isConnectionLost: true)
        }
        return raw
    }

    /// What libpq says last, without the newline at its end.
    func libpqMessage() -> String {
        guard let raw, let words = PQerrorMessage(raw) else { return "" }
        var text = String(cString: words)
        while text.last == "\n" { text.removeLast() }
        return text
    }

    /// A transport failure: closes the connection and tells what libpq said.
    func lost() -> PostgresError {
        let error = PostgresError(.connectionLost, message: libpqMessage(), isConnectionLost: true)
        close()
        return error
    }

    /// Closes the connection and says why.
    func abandon(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        close()
        return PostgresError(kind, message: message, isConnectionLost: true)
    }

    private func establish(deadline: Deadline) throws(PostgresError) {
        let raw = try live()
        guard PQstatus(raw) != CONNECTION_BAD else { throw connectFailure() }
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED else { throw connectFailure() }
            // The socket changes from address to address, so it is asked for each time.
            let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
            _ = try wait(for: Int16(events), deadline: deadline, doing: "connecting")
            next = PQconnectPoll(raw)
        }
        guard PQsetnonblocking(raw, 1) == 0 else { throw connectFailure() }
        PQsetErrorVerbosity(raw, PQERRORS_DEFAULT)
    }

    private func connectFailure() -> PostgresError {
        let words = LoginFailure(words: libpqMessage())
        close()
        return PostgresError(.connect, message: words.message, sqlState: words.sqlState, isConnectionLost: true)
    }
}

extension PostgresError {
    /// What kept a session from being opened with any of some hosts: all their words, and the code of the last one that
    /// gave any.
    fileprivate init(connecting failures: [PostgresError]) {
        if failures.count == 1 {
            self = failures[0]
            return
        }
        let isTimeout = failures.allSatisfy { $0.kind == .timeout }
        self.init(
            isTimeout ? .timeout : .connect, message: failures.map(\.message).joined(separator: "; "),
            sqlState: failures.compactMap(\.sqlState).last, isConnectionLost: true)
    }
}
