public import PostgresWire
public import Records

/// The ledger's side of a session: sources, coverage, counts. It decides nothing.
public struct LedgerStore {
    let connection: PostgresConnection

    public init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    // MARK: Sources

    /// Starts a transaction, takes the stream's lock and reads what is known about it. End with
    /// ``apply(_:to:deadline:)`` or ``PostgresConnection/reset(deadline:)``; both give the lock back.
    public func lock(
        _ key: SourceKey, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> SourceFacts {
        do throws(PostgresError) {
            try connection.execute(
                """
                BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '5s'; \
                SET LOCAL idle_in_transaction_session_timeout = '10s'; SELECT pg_advisory_xact_lock(\(key.lockNumber))
                """, deadline: deadline)
            let others = try connection.query(
                """
                SELECT DISTINCT grp FROM ingest.source
                 WHERE redis_id = $1 AND redis_db = $2 AND stream = $3 AND grp <> $4 AND closed_at IS NULL ORDER BY grp
                """, key.parameters, deadline: deadline)
            return SourceFacts(
                rows: try rows(of: key, deadline: deadline),
                otherGroups: try others.map { row throws(PostgresError) in try row.requiredText("grp") })
        } catch {
            try? connection.reset(deadline: deadline)
            throw error
        }
    }

    /// Makes the changes in their order and commits. Needs the lock.
    /// - Parameter replicationID: the Redis server that an incarnation is opened on.
    /// - Returns: the number of the incarnation that was opened, if one was.
    public func apply(
        _ changes: [SourceChange], to key: SourceKey, replicationID: String? = nil,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> SourceNumber? {
        var opened: SourceNumber?
        do throws(PostgresError) {
            for change in changes {
                if let number = try make(change, key, replicationID, deadline: deadline) { opened = number }
            }
            try commit(deadline: deadline)
        } catch {
            try? connection.reset(deadline: deadline)
            throw error
        }
        return opened
    }

    /// Every row of the stream and group, newest first. Needs no lock.
    public func rows(of key: SourceKey, deadline: PostgresConnection.Deadline) throws(PostgresError) -> [SourceRow] {
        let found = try connection.query(Self.sourceQuery, key.parameters, deadline: deadline)
        return try found.map { row throws(PostgresError) in
            guard let incarnation = HexUUID(try row.requiredText("incarnation")) else {
                throw PostgresError(.decoding, message: "column incarnation: not a uuid")
            }
            return SourceRow(
                number: SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))),
                incarnation: incarnation, isOpen: try row.isTrue("is_open"),
                highestID: try row.streamID("highest_id"), entriesAdded: try row.integer("entries_added"),
                replicationID: try row.text("replication_id"))
        }
    }

    private func make(
        _ change: SourceChange, _ key: SourceKey, _ replicationID: String?, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> SourceNumber? {
        switch change {
        case .close(let number):
            let sql = "UPDATE ingest.source SET closed_at = now() WHERE source_no = $1"
            _ = try connection.query(sql, [String(number.rawValue)], deadline: deadline)
            return nil
        case .reopen(let number):
            let sql = "UPDATE ingest.source SET closed_at = NULL WHERE source_no = $1"
            _ = try connection.query(sql, [String(number.rawValue)], deadline: deadline)
            return nil
        case .open(let marker, let floor):
            let inserted = try connection.query(
                """
                INSERT INTO ingest.source (redis_id, redis_db, stream, grp, incarnation, replication_id)
                VALUES ($1, $2, $3, $4, $5, $6) RETURNING source_no
                """, key.parameters + [marker.digits, replicationID], deadline: deadline)
            guard let row = inserted.first else { throw PostgresError(.unexpectedResult, message: "no source_no") }
            let number = SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no")))
            if let floor { try adopt(number, upTo: floor, deadline: deadline) }
            return number
        }
    }

    private func adopt(
        _ number: SourceNumber, upTo floor: StreamID, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        _ = try connection.query(
            "INSERT INTO ingest.ledger (source_no, ids, kind, n) VALUES ($1, ingest.sidrange($2, $3, '[]'), 'F', NULL)",
            [String(number.rawValue), StreamID.min.uuidHex, floor.uuidHex], deadline: deadline)
    }

    // MARK: Coverage and counts

    /// The rows of the ledger that overlap one of the windows: what is committed already. One overlap probe each.
    public func coverage(
        of windows: [(source: SourceNumber, ids: IDRange)], deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> [(source: SourceNumber, ids: IDRange)] {
        guard !windows.isEmpty else { return [] }
        func array(_ value: ((source: SourceNumber, ids: IDRange)) -> String) -> String {
            "{" + windows.map(value).joined(separator: ",") + "}"
        }
        let found = try connection.query(
            """
            SELECT DISTINCT l.source_no, lower(l.ids) AS lo, upper(l.ids) AS hi
              FROM unnest($1::int[], $2::uuid[], $3::uuid[]) AS p(s, a, b)
             CROSS JOIN LATERAL (
                    SELECT * FROM ingest.ledger WHERE source_no = p.s AND ids && ingest.sidrange(p.a, p.b, '[]')) AS l
             ORDER BY 1, 2
            """,
            [array { String($0.source.rawValue) }, array { $0.ids.lower.uuidHex }, array { $0.ids.upper.uuidHex }],
            deadline: deadline)
        return try found.map { row throws(PostgresError) in
            (
                SourceNumber(rawValue: Int32(clamping: try row.requiredInteger("source_no"))),
                try row.range("lo", "hi")
            )
        }
    }

    /// How many entries the ledger stands for, and whether some of them were adopted uncounted.
    public func entries(
        of source: SourceNumber, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) -> (count: Int64, hasAdopted: Bool) {
        let found = try connection.query(
            """
            SELECT coalesce(sum(n), 0)::bigint AS n, coalesce(bool_or(n IS NULL), false) AS adopted
              FROM ingest.ledger WHERE source_no = $1
            """, [String(source.rawValue)], deadline: deadline)
        guard let row = found.first else { return (0, false) }
        return (try row.requiredInteger("n"), try row.isTrue("adopted"))
    }

    /// Ends the transaction; anything but the tag COMMIT is a failure.
    func commit(deadline: PostgresConnection.Deadline) throws(PostgresError) {
        let tag = try connection.execute("COMMIT", deadline: deadline)
        guard tag == "COMMIT" else { throw PostgresError(.unexpectedResult, message: "COMMIT answered \(tag)") }
    }

    /// The ledger's highest id is exact, the row's may be ten seconds old.
    private static let sourceQuery = """
        SELECT s.source_no, s.incarnation, s.closed_at IS NULL AS is_open,
               greatest(s.max_id, (SELECT upper(l.ids) FROM ingest.ledger l WHERE l.source_no = s.source_no
                                    ORDER BY upper(l.ids) DESC LIMIT 1)) AS highest_id,
               s.entries_added, s.replication_id
          FROM ingest.source s
         WHERE s.redis_id = $1 AND s.redis_db = $2 AND s.stream = $3 AND s.grp = $4 ORDER BY s.source_no DESC
        """
}

extension ResultSet.Row {
    /// A stream id kept as a uuid.
    func streamID(_ name: String) throws(PostgresError) -> StreamID? {
        guard let text = try text(name) else { return nil }
        guard let id = StreamID(uuid: text) else {
            throw PostgresError(.decoding, message: "column \(name): not a stream id")
        }
        return id
    }

    func range(_ lower: String, _ upper: String) throws(PostgresError) -> IDRange {
        guard let first = try streamID(lower), let last = try streamID(upper), first <= last else {
            throw PostgresError(.decoding, message: "columns \(lower), \(upper): not a range of stream ids")
        }
        return IDRange(first, last)
    }
}
