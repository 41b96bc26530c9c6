/// What can be asked of the server without a client library.
extension LocalPostgres {
    /// Creates a database. With `withTimescaleDB` it has the extension, where the server has it (copied from a template,
    /// which is faster than CREATE EXTENSION); otherwise it is empty.
    ///
    /// Throws a `ServiceError` when the name is taken or the server is stopped.
    public func createDatabase(named name: String, withTimescaleDB: Bool = true) async throws {
        let template = withTimescaleDB ? PostgresSettings.templateDatabase : "template0"
        try await run(sql: "CREATE DATABASE \(Self.quoted(name)) TEMPLATE \(template)", database: "postgres")
    }

    /// Drops a database, ending its sessions. Does nothing when there is none of this name.
    public func dropDatabase(named name: String) async throws {
        try await run(sql: "DROP DATABASE IF EXISTS \(Self.quoted(name)) WITH (FORCE)", database: "postgres")
    }

    /// Runs SQL as the superuser through `psql` and returns what it printed (unaligned, tuples only).
    ///
    /// Throws a `ServiceError` with the server's message at the first error.
    @discardableResult
    public func run(sql: String, database: String = "millrace") async throws -> String {
        try await server.sql([sql], database: database)
    }

    /// The words that run one of the server's own client programs (`psql`, `pg_dump`), connected to `database` as the
    /// superuser; a client of this machine may be too old for the server. Standard input and output are the caller's to
    /// connect; the program sees no files of this machine but `directory`.
    public func clientCommand(_ tool: String, database: String = "millrace", arguments: [String] = []) -> [String] {
        let connection = ["--host", server.visibleFolder + "/socket", "--port", "\(port)"]
        return server.installation.command(
            tool, connection + ["--username", PostgresSettings.superuser, "--dbname", database] + arguments,
            folder: directory, user: server.user)
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }
}
