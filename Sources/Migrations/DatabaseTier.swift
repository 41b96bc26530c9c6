public import PostgresWire

/// What a database offers beyond plain PostgreSQL: who makes, drops and compresses chunks depends on it.
///
/// Told by the licence that is in force and by the functions that exist, never by a version.
public struct DatabaseTier: Encodable, Sendable {
    public enum Name: String, Encodable, Sendable {
        /// TimescaleDB with the Timescale licence: compression, continuous aggregates.
        case community
        /// TimescaleDB with the Apache licence: hypertables only.
        case apache
        /// No TimescaleDB.
        case plain
    }

    public var name: Name
    public var timescaledb: String?
    /// Such as `17.6`.
    public var postgresql: String
    /// The server has TimescaleDB, but this database does not use it.
    public var available: Bool
    /// What this tier does not have, and what is done instead. A contract for people, not for programs.
    public var lacks: [String]

    public init(_ connection: PostgresConnection) throws(PostgresError) {
        let result = try connection.query(
            """
            SELECT e.extversion AS version, current_setting('timescaledb.license', true) AS license,
                   current_setting('server_version') AS server,
                   EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') AS available,
                   EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = e.extnamespace
                              AND p.proname IN ('compress_chunk', 'convert_to_columnstore')) AS compresses,
                   EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = e.extnamespace
                              AND p.proname = 'add_continuous_aggregate_policy') AS aggregates
              FROM (SELECT 1) one LEFT JOIN pg_extension e ON e.extname = 'timescaledb'
            """, deadline: .now + .seconds(10))
        guard let row = result.first else { throw PostgresError(.unexpectedResult, message: "no row") }
        timescaledb = try row.text("version")
        postgresql = try row.requiredText("server")
        let isOnServer = try row.isTrue("available")
        available = isOnServer && timescaledb == nil
        let compresses = try row.isTrue("compresses")
        let hasCommunity = try row.isTrue("aggregates") ? compresses : false
        let isLicensed = try row.text("license") == "timescale"
        name = timescaledb == nil ? .plain : (isLicensed && hasCommunity ? .community : .apache)
        lacks = Self.lacks(name)
    }

    private static func lacks(_ name: Name) -> [String] {
        let shared = [
            "no compression: old chunks keep their size",
            "no continuous aggregates: candles of 5m to 1d are views, computed when they are asked",
        ]
        return switch name {
        case .community: []
        case .apache: shared
        case .plain:
            ["no hypertables: partitions by time, made ahead and dropped by the worker's maintenance"] + shared
        }
    }

    /// One line for people.
    public var sentence: String {
        switch name {
        case .community: "TimescaleDB \(timescaledb ?? "") Community on PostgreSQL \(postgresql)"
        case .apache: "TimescaleDB \(timescaledb ?? "") Apache edition on PostgreSQL \(postgresql): hypertables only"
        case .plain:
            "plain PostgreSQL \(postgresql)"
                + (available ? "; TimescaleDB is on the server, but not in this database" : ", without TimescaleDB")
        }
    }
}
