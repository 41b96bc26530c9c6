public import PostgresWire
public import Records

/// Entries that are tried although a worker may have died of one of them (`ingest.suspect`). It decides nothing.
public struct SuspectStore {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Of those of these ids that are noted, how often each was tried alone.
    public func loneAttempts(
        of ids: [StreamID], in source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [StreamID: Int] {
        var attempts: [StreamID: Int] = [:]
        let found = try connection.query(
            "SELECT id, lone_attempts FROM ingest.suspect WHERE source_no = $1 AND id = ANY ($2::uuid[])",
            parameters(source, ids), deadline: deadline)
        for row in found {
            guard let id = try row.streamID("id") else { continue }
            attempts[id] = Int(try row.requiredInteger("lone_attempts"))
        }
        return attempts
    }

    /// Notes that ids are about to be tried; alone, that one is. It outlives this process, if not the server's.
    public func note(
        _ ids: [StreamID], isAlone: Bool, in source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        let counted = isAlone ? 1 : 0
        _ = try connection.query(
            """
            INSERT INTO ingest.suspect AS s (source_no, id, lone_attempts)
            SELECT $1, id, \(counted) FROM unnest($2::uuid[]) AS e(id), \(Self.quickly)
            ON CONFLICT (source_no, id) DO UPDATE SET lone_attempts = s.lone_attempts + \(counted), last_at = now()
            """, parameters(source, ids), deadline: deadline)
    }

    /// Nobody died of them.
    public func forget(
        _ ids: [StreamID], in source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        _ = try connection.query(
            "DELETE FROM ingest.suspect USING \(Self.quickly) WHERE source_no = $1 AND id = ANY ($2::uuid[])",
            parameters(source, ids), deadline: deadline)
    }

    /// The disk is not waited for: a note is about processes of ours that die.
    private static let quickly = "(SELECT set_config('synchronous_commit', 'off', true)) AS quickly"

    private func parameters(_ source: SourceNumber, _ ids: [StreamID]) -> [String?] {
        [String(source.rawValue), "{" + ids.map(\.uuidHex).joined(separator: ",") + "}"]
    }
}
