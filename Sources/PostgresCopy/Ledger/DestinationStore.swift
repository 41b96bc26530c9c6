public import PostgresWire

/// Which server, and which line of its history, a database is.
public struct ServerIdentity: Equatable, Sendable {
    /// `pg_control_system()`; `nil` where the server does not tell (some managed services).
    public var systemIdentifier: UInt64?
    /// The current timeline: it goes up with each promotion and each restore to a point in time.
    public var timeline: UInt32?

    public init(systemIdentifier: UInt64?, timeline: UInt32?) {
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
    }
}

/// `ingest.destination`: the server that took the last commits, as it was noted.
public struct DestinationStore {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// What the server says it is. What it refuses to say is `nil`.
    public func current(deadline: PostgresConnection.Deadline) throws(PostgresError) -> ServerIdentity {
        let system = try ask("SELECT system_identifier AS value FROM pg_control_system()", deadline: deadline)
        // The control file's timeline is the one of the last checkpoint, which lags behind a promotion.
        let line = try ask(
            "SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint AS value",
            deadline: deadline)
        return ServerIdentity(
            systemIdentifier: system.map { UInt64(bitPattern: $0) },
            timeline: line.map { UInt32(truncatingIfNeeded: $0) })
    }

    /// What was noted last; `nil` when nothing was.
    public func noted(deadline: PostgresConnection.Deadline) throws(PostgresError) -> ServerIdentity? {
        let rows = try connection.query(
            "SELECT system_identifier, timeline FROM ingest.destination", deadline: deadline)
        guard let row = rows.first else { return nil }
        return ServerIdentity(
            systemIdentifier: try row.text("system_identifier").flatMap { UInt64($0) },
            timeline: try row.integer("timeline").map { UInt32(clamping: $0) })
    }

    public func note(_ identity: ServerIdentity, deadline: PostgresConnection.Deadline) throws(PostgresError) {
        _ = try connection.query(
            """
            INSERT INTO ingest.destination (system_identifier, timeline) VALUES ($1, $2)
            ON CONFLICT (only_row) DO UPDATE
               SET system_identifier = excluded.system_identifier, timeline = excluded.timeline, noted_at = now()
            """, [identity.systemIdentifier.map(String.init), identity.timeline.map(String.init)], deadline: deadline)
    }

    /// Whether everything that can be seen now is where commits have to be: with the standbys that are waited for.
    ///
    /// A commit whose wait for a standby was cancelled, or whose session ended in it, can be seen and may be nowhere else.
    /// The log is sent in order, so a later commit that a standby has confirmed proves all earlier ones. Where nobody
    /// waits for standbys this is one look. The row of `ingest.destination` stays what it was; sessions that wait in vain
    /// for a standby hold its lock, so that they do not become more and more.
    /// - Returns: `false` when this wait was cancelled, too.
    public func confirmCommits(deadline: PostgresConnection.Deadline) throws(PostgresError) -> Bool {
        let standbys = try connection.query(
            "SELECT current_setting('synchronous_standby_names') <> '' AS wanted", deadline: deadline)
        guard let row = standbys.first, try row.isTrue("wanted") else { return true }
        _ = connection.takeNotices()
        let tag = try connection.execute(
            """
            BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '2s';
            INSERT INTO ingest.destination (system_identifier, timeline) VALUES (NULL, NULL)
            ON CONFLICT (only_row) DO UPDATE SET noted_at = ingest.destination.noted_at;
            COMMIT
            """, deadline: deadline)
        return tag == "COMMIT" && !connection.takeNotices().contains(where: \.isWarning)
    }

    /// That the function is not there, or not for us, is an answer. Anything else is a failure: taken for an answer it
    /// would make the server another one than it was.
    private func ask(_ sql: String, deadline: PostgresConnection.Deadline) throws(PostgresError) -> Int64? {
        do throws(PostgresError) {
            return try connection.query(sql, deadline: deadline).first?.integer("value")
        } catch {
            guard error.kind == .server, !error.isConnectionLost,
                [.insufficientPrivilege, .undefinedFunction].contains(error.sqlState)
            else { throw error }
            return nil
        }
    }
}
