import PostgresWire

/// What a database offers beyond plain PostgreSQL: retention, compression and continuous aggregates depend on it.
struct DatabaseTier: Encodable {
    enum Name: String, Encodable {
        /// TimescaleDB with the Timescale licence: compression, policies, continuous aggregates.
        case community
        /// TimescaleDB with the Apache licence: hypertables only.
        case apache
        /// No TimescaleDB.
        case plain
    }

    var name: Name
    var timescaledb: String?
    /// Such as `17.6`.
    var postgresql: String
    /// The server has TimescaleDB, but this database does not use it.
    var available: Bool

    init(_ connection: PostgresConnection) throws(PostgresError) {
        let result = try connection.query(
            """
            SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS version,
                   current_setting('timescaledb.license', true) AS license, current_setting('server_version') AS server,
                   EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') AS available
            """, deadline: .now + .seconds(10))
        guard let row = result.first else { throw PostgresError(.unexpectedResult, message: "no row") }
        timescaledb = try row.text("version")
        postgresql = try row.requiredText("server")
        available = try row.isTrue("available") && timescaledb == nil
        let license = try row.text("license")
        name = timescaledb == nil ? .plain : (license == "timescale" ? .community : .apache)
    }

    var sentence: String {
        switch name {
        case .community: "TimescaleDB \(timescaledb ?? "") Community on PostgreSQL \(postgresql)"
        case .apache: "TimescaleDB \(timescaledb ?? "") Apache edition on PostgreSQL \(postgresql): hypertables only"
        case .plain:
            "plain PostgreSQL \(postgresql)"
                + (available ? "; TimescaleDB is on the server, but not in this database" : ", without TimescaleDB")
        }
    }
}
