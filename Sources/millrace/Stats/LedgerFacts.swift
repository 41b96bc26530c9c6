import PostgresWire
import Records

/// What the database knows about the streams; or why it does not answer.
struct LedgerFacts {
    struct Row {
        var stored: Int64
        var open: Int64
        var lastCommit: String?
    }

    private(set) var rows: [StreamKey: Row] = [:]
    private(set) var problem: String?
    /// The problem is a login, a right or a table, and not that the database is away.
    private(set) var isMisconfigured = false

    /// Asks once, for at most a few seconds; a failure is a fact too.
    init(_ servers: Servers, redisID: String, database: Int, group: String) {
        do throws(CommandFailure) {
            let connection = try servers.postgres()
            do throws(PostgresError) {
                try read(connection, redisID, database, group)
            } catch {
                throw Servers.failure(error)
            }
        } catch {
            problem = error.message
            isMisconfigured = error.status == ExitStatus.badConfiguration
        }
    }

    private mutating func read(
        _ connection: PostgresConnection, _ redisID: String, _ database: Int, _ group: String
    ) throws(PostgresError) {
        let result = try connection.query(
            """
            SELECT source.stream, coalesce(status.entries, 0) AS stored, status.open_letters, status.last_commit
              FROM ingest.status JOIN ingest.source USING (source_no)
             WHERE source.redis_id = $1 AND source.redis_db = $2 AND source.grp = $3
            """, [redisID, String(database), group], deadline: .now + .seconds(10))
        for row in result {
            guard let bytes = try row.bytes("stream") else { continue }
            rows[StreamKey(bytes: bytes)] = Row(
                stored: try row.requiredInteger("stored"), open: try row.requiredInteger("open_letters"),
                lastCommit: try row.text("last_commit"))
        }
    }
}
