import CPostgres

/// One step of an exchange begun with ``PostgresConnection/send(_:deadline:)``.
public enum QueryStep: Sendable {
    /// A command without rows is done; the tag is such as `COPY 5000` or `COMMIT`.
    case command(tag: String)
    case rows(ResultSet)
    /// The server waits for the data of a COPY.
    case copyIn
    /// There is nothing more to come.
    case end
}

extension PostgresConnection {
    /// Whether somebody between us and the server, such as PgBouncer, hands sessions out: the next transaction may be in
    /// another session then, and nothing that belongs to a session can be relied on.
    ///
    /// A pooler answers a login itself, with a process number of its own making, because that number is what a request
    /// to cancel names.
    public func isPooled(deadline: Deadline) throws(PostgresError) -> Bool {
        let told = try query("SELECT pg_backend_pid() AS pid", deadline: deadline).first?.integer("pid")
        return told != Int64(serverProcessID)
    }

    /// Runs one statement with text parameters and gives its rows.
    ///
    /// Uses no named statement, so it works behind a transaction pooler.
    /// - Parameter parameters: `$1`, `$2`, …; `nil` is NULL.
    public func query(
        _ sql: String, _ parameters: [String?] = [], deadline: Deadline
    ) throws(PostgresError) -> ResultSet {
        let raw = try live()
        guard !parameters.contains(where: { $0?.utf8.contains(0) ?? false }) else {
            throw PostgresError(.configuration, message: "a parameter holds a NUL character")
        }
        try requireIdle()
        let sent = Self.withCStrings(parameters) { values in
            PQsendQueryParams(raw, sql, Int32(parameters.count), nil, values, nil, nil, 0)
        }
        guard sent == 1 else { throw lost() }
        return try lastResult(deadline: deadline)
    }

    /// Runs a string of statements without parameters; gives the tag of the last.
    @discardableResult
    public func execute(_ sql: String, deadline: Deadline) throws(PostgresError) -> String {
        try send(sql, deadline: deadline)
        return try lastResult(deadline: deadline).tag
    }

    /// Starts an exchange: sends a string of statements. Go on with ``next(deadline:)`` until ``QueryStep/end``.
    public func send(_ sql: String, deadline: Deadline) throws(PostgresError) {
        let raw = try live()
        guard !sql.utf8.contains(0) else { throw PostgresError(.configuration, message: "SQL holds a NUL character") }
        try requireIdle()
        guard PQsendQuery(raw, sql) == 1 else { throw lost() }
        try flush(deadline: deadline, doing: "sending a query")
    }

    /// The next result of the exchange.
    /// - Throws: the server's error. The exchange is over then, everything that followed it has been read, and
    ///   ``PostgresError/isConnectionLost`` tells whether the session outlived it.
    public func next(deadline: Deadline) throws(PostgresError) -> QueryStep {
        guard let pointer = try nextRaw(deadline: deadline, doing: "waiting for a result") else { return .end }
        let result = ResultHandle(owning: pointer)
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return .command(tag: result.tag)
        case PGRES_TUPLES_OK: return .rows(result.rows())
        case PGRES_COPY_IN: return .copyIn
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
            throw finish(after: result.error(), deadline: deadline)
        default: throw abandon(.unexpectedResult, "result status \(result.status.rawValue)")
        }
    }

    /// Reads the rest of the exchange after an error, so that libpq notices whether the session has ended.
    private func finish(after error: PostgresError, deadline: Deadline) -> PostgresError {
        var error = error
        do throws(PostgresError) {
            try drain(deadline: deadline)
        } catch {
            close()
        }
        error.isConnectionLost = !isOpen
        if error.isConnectionLost { close() }
        return error
    }

    /// Reads to the end of the exchange. An open COPY is ended with a failure, so that nothing of it is stored.
    ///
    /// Bounded: libpq reports an open COPY again and again, for ever.
    func drain(deadline: Deadline) throws(PostgresError) {
        for _ in 0..<Self.drainLimit {
            guard let pointer = try nextRaw(deadline: deadline, doing: "ending an exchange") else { return }
            let result = ResultHandle(owning: pointer)
            if result.status == PGRES_COPY_IN { try endCopy(failing: "abandoned", deadline: deadline) }
            if result.status == PGRES_COPY_OUT || result.status == PGRES_COPY_BOTH { break }
        }
        throw abandon(.unexpectedResult, "the exchange does not end")
    }

    /// More results than any string of ours has.
    private static let drainLimit = 10_000

    /// Ends whatever is going on: a COPY fails, results are read, an open transaction is rolled back.
    /// - Throws: when the session did not survive; it is closed then.
    public func reset(deadline: Deadline) throws(PostgresError) {
        if transactionStatus == .active { try drain(deadline: deadline) }
        switch transactionStatus {
        case .idle: return
        case .inTransaction, .inFailedTransaction: try execute("ROLLBACK", deadline: deadline)
        case .active, .unknown: throw abandon(.unexpectedResult, "the session cannot be reset")
        }
    }

    /// A call while another exchange is open is a mistake of the caller that must not read foreign results.
    private func requireIdle() throws(PostgresError) {
        if transactionStatus == .active { throw abandon(.unexpectedResult, "another exchange is still open") }
    }

    private func lastResult(deadline: Deadline) throws(PostgresError) -> ResultSet {
        var last = ResultSet.empty(tag: "")
        while true {
            switch try next(deadline: deadline) {
            case .command(let tag): last = .empty(tag: tag)
            case .rows(let rows): last = rows
            case .copyIn:
                try drain(deadline: deadline)
                throw PostgresError(.unexpectedResult, message: "a COPY where a query was expected")
            case .end: return last
            }
        }
    }

    private static func withCStrings<R>(
        _ values: [String?], _ body: ([UnsafePointer<CChar>?]) -> R
    ) -> R {
        var bytes: [UInt8] = []
        var offsets: [Int?] = []
        for value in values {
            offsets.append(value == nil ? nil : bytes.count)
            guard let value else { continue }
            bytes.append(contentsOf: value.utf8)
            bytes.append(0)
        }
        return bytes.withUnsafeBytes { buffer in
            let text = buffer.bindMemory(to: CChar.self).baseAddress
            return body(offsets.map { offset in offset.flatMap { text?.advanced(by: $0) } })
        }
    }
}
