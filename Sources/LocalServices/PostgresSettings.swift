/// The server's settings.
enum PostgresSettings {
    static let superuser = "millrace"
    /// Included by every cluster's `postgresql.conf` and written at each start, so that ALTER SYSTEM still wins.
    static let includedFile = "millrace.conf"
    static let templateDatabase = "millrace_template"

    /// `settings` of the caller come last and win.
    static func file(
        installation: PostgresInstallation, folder: String, port: Int, settings: [String: String]
    ) -> String {
        let visible = installation.visible(folder)
        var values = base
        if installation.timescaleVersion != nil {
            values += timescale
        }
        values += [
            ("port", "\(port)"), ("listen_addresses", "127.0.0.1"), ("unix_socket_directories", visible + "/socket"),
        ]
        values += settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return values.map { "\($0.0) = '\($0.1.replacing("'", with: "''"))'\n" }.joined()
    }

    private static let base: [(String, String)] = [
        ("cluster_name", "millrace"),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "200"),
        ("shared_buffers", "256MB"),
        ("max_wal_size", "2GB"),
        ("max_worker_processes", "32"),
        ("max_locks_per_transaction", "256"),
        ("password_encryption", "scram-sha-256"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
    ]

    /// Telemetry off: a private server calls nobody.
    private static let timescale: [(String, String)] = [
        ("shared_preload_libraries", "timescaledb"),
        ("timescaledb.telemetry_level", "off"),
        ("timescaledb.max_background_workers", "8"),
    ]
}
