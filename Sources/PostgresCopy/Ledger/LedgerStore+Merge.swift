public import PostgresWire
public import Records

/// One row of the ledger.
public struct LedgerRow: Equatable, Sendable {
    public var ids: IDRange
    /// Entries it stands for; `nil` for what was there before Millrace came.
    public var count: Int64?
    public var isFloor: Bool

    public init(ids: IDRange, count: Int64?, isFloor: Bool) {
        self.ids = ids
        self.count = count
        self.isFloor = isFloor
    }
}

extension LedgerStore {
    /// Starts the transaction of a merge and reads all rows of the source, ascending.
    ///
    /// Read what Redis says first (last-delivered, then pending): the rows must be the last thing that is read. Then
    /// call ``replace(_:with:of:deadline:)`` any number of times and ``finishMerge(of:highest:entriesAdded:deadline:)``.
    /// - Returns: `nil`, without a transaction, when somebody else is merging this source, or when it was closed: what
    ///   Redis said is then of another incarnation.
    public func beginMerge(
        of source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [LedgerRow]? {
        do throws(PostgresError) {
            try connection.execute(
                """
                BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; \
                SET LOCAL lock_timeout = '500ms'; SET LOCAL idle_in_transaction_session_timeout = '10s'
                """, deadline: deadline)
            let lock = try connection.query(
                """
                SELECT pg_try_advisory_xact_lock($1, $2)
                       AND EXISTS (SELECT 1 FROM ingest.source WHERE source_no = $2 AND closed_at IS NULL) AS mine
                """, [String(Self.mergeLock), String(source.rawValue)], deadline: deadline)
            guard let row = lock.first, try row.isTrue("mine") else {
                try connection.reset(deadline: deadline)
                return nil
            }
            return try readRows(of: source, deadline: deadline)
        } catch {
            try? connection.reset(deadline: deadline)
            throw error
        }
    }

    /// Puts one row in the place of `count` rows that lie within its range.
    /// - Returns: `false`, after rolling back the whole merge, when the ledger has changed since it was read.
    public func replace(
        _ count: Int, with row: LedgerRow, of source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> Bool {
        let bounds = [String(source.rawValue), row.ids.lower.uuidHex, row.ids.upper.uuidHex]
        do throws(PostgresError) {
            let deleted = try connection.query(
                "DELETE FROM ingest.ledger WHERE source_no = $1 AND ids <@ ingest.sidrange($2, $3, '[]')",
                bounds, deadline: deadline)
            let inserted = try connection.query(
                """
                INSERT INTO ingest.ledger (source_no, ids, kind, n)
                VALUES ($1, ingest.sidrange($2, $3, '[]'), $4, $5) ON CONFLICT ON CONSTRAINT ledger_once DO NOTHING
                """, bounds + [row.isFloor ? "F" : "B", row.count.map(String.init)], deadline: deadline)
            if deleted.tag == "DELETE \(count)", inserted.tag == "INSERT 0 1" { return true }
            try connection.reset(deadline: deadline)
            return false
        } catch {
            try? connection.reset(deadline: deadline)
            throw error
        }
    }

    /// Commits a merge, and notes how far the stream was when it was read.
    public func finishMerge(
        of source: SourceNumber, highest: StreamID?, entriesAdded: Int64?, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        do throws(PostgresError) {
            _ = try connection.query(
                """
                UPDATE ingest.source
                   SET max_id = greatest(max_id, $2::uuid), entries_added = coalesce($3::bigint, entries_added)
                 WHERE source_no = $1
                """, [String(source.rawValue), highest?.uuidHex, entriesAdded.map(String.init)], deadline: deadline)
            try commit(deadline: deadline)
        } catch {
            try? connection.reset(deadline: deadline)
            throw error
        }
    }

    private func readRows(
        of source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [LedgerRow] {
        let found = try connection.query(
            """
            SELECT lower(ids) AS lo, upper(ids) AS hi, n, kind = 'F' AS is_floor
              FROM ingest.ledger WHERE source_no = $1 ORDER BY lower(ids)
            """, [String(source.rawValue)], deadline: deadline)
        return try found.map { row throws(PostgresError) in
            LedgerRow(ids: try row.range("lo", "hi"), count: try row.integer("n"), isFloor: try row.isTrue("is_floor"))
        }
    }

    /// The first half of the lock's name; the second is the source's number.
    private static let mergeLock: Int32 = 0x6D72_6C67
}
