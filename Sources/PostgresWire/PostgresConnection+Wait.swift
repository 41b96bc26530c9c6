import CPostgres
import Glibc

extension PostgresConnection {
    /// Waits until the socket is ready for one of the events.
    /// - Returns: what it is ready for.
    /// - Throws: ``PostgresError/Kind/timeout``, after closing the connection.
    func wait(for events: Int16, deadline: Deadline, doing what: String) throws(PostgresError) -> Int16 {
        let raw = try live()
        var entry = pollfd(fd: PQsocket(raw), events: events, revents: 0)
        guard entry.fd >= 0 else { throw lost() }
        while true {
            let ready = poll(&entry, 1, Self.milliseconds(until: deadline))
            if ready > 0 { return entry.revents }
            if ready < 0, errno != EINTR { throw lost() }
            if ready == 0, Deadline.now >= deadline { throw abandon(.timeout, what) }
        }
    }

    /// Sends everything that libpq still holds back.
    func flush(deadline: Deadline, doing what: String) throws(PostgresError) {
        let raw = try live()
        while true {
            let rest = PQflush(raw)
            if rest == 0 { return }
            guard rest > 0 else { throw lost() }
            let ready = try wait(for: Int16(POLLIN | POLLOUT), deadline: deadline, doing: what)
            // A server that is blocked on its own output reads nothing from us: take what it has to say.
            if ready & Int16(POLLIN) != 0, PQconsumeInput(raw) == 0 { throw lost() }
        }
    }

    /// The next result of the exchange, or `nil` at its end.
    func nextRaw(deadline: Deadline, doing what: String) throws(PostgresError) -> OpaquePointer? {
        let raw = try live()
        try flush(deadline: deadline, doing: what)
        while PQisBusy(raw) == 1 {
            _ = try wait(for: Int16(POLLIN), deadline: deadline, doing: what)
            // On a broken connection the error becomes a result, which says more than we could.
            if PQconsumeInput(raw) == 0 { break }
        }
        return PQgetResult(raw)
    }

    /// Whether a result, or the end of the exchange, can be had without waiting.
    public func hasResult() throws(PostgresError) -> Bool {
        let raw = try live()
        guard PQconsumeInput(raw) == 1 else { return true }
        return PQisBusy(raw) == 0
    }

    /// Milliseconds for `poll`, rounded up so that it does not wake just before the deadline; 0 when it has passed.
    private static func milliseconds(until deadline: Deadline) -> Int32 {
        let (seconds, attoseconds) = (deadline - .now).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let whole = attoseconds / 1_000_000_000_000_000
        let part = attoseconds % 1_000_000_000_000_000 == 0 ? 0 : Int64(1)
        return Int32(clamping: min(seconds, 1_000_000) * 1_000 + whole + part)
    }
}
