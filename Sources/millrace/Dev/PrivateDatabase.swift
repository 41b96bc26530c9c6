import BlockingExecutor
import Migrations
import PostgresWire

/// A private PostgreSQL, asked on a thread of its own: its calls block.
///
/// Each call opens a session, so that it may follow a restart of the server.
actor PrivateDatabase {
    private nonisolated let thread: BlockingThread
    private let url: String

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(url: String) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "database")
        self.url = url
    }

    /// Brings the schema up, and tells what the database offers.
    func migrate() throws -> DatabaseTier {
        let connection = try connect()
        _ = try Migrator(connection).up()
        // Recorded market data is years old: retention would take it away.
        try connection.execute("UPDATE ingest.lifecycle SET drop_after = NULL", deadline: .now + .seconds(10))
        return try DatabaseTier(connection)
    }

    /// The first row of a query whose columns are numbers; NULL is `nil`.
    func numbers(_ sql: String, _ parameters: [String?] = []) throws -> [String: Double] {
        let result = try connect().query(sql, parameters, deadline: .now + .seconds(60))
        var values: [String: Double] = [:]
        guard let row = result.first else { return values }
        for column in result.columns { values[column] = try row.text(column).flatMap(Double.init) }
        return values
    }

    /// Rows of a name and a count.
    func counts(_ sql: String, _ parameters: [String?] = []) throws -> [String: Int] {
        let result = try connect().query(sql, parameters, deadline: .now + .seconds(60))
        var values: [String: Int] = [:]
        for row in result { values[try row.requiredText("name")] = Int(try row.requiredInteger("count")) }
        return values
    }

    private func connect() throws -> PostgresConnection {
        try PostgresConnection.connect(to: PostgresEndpoint(url), applicationName: "millrace/command")
    }
}
