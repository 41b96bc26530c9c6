import PostgresWire

/// Writes one table's rows in segments, each behind a savepoint, inside an open transaction.
struct SegmentWriter {
    /// A segment that was rolled back.
    struct Failure {
        let range: Range<Int>
        let error: PostgresError

        /// The row that COPY names, when there are others beside it.
        var namedRow: Int? {
            guard range.count > 1, let line = error.copyLocation?.line, (1...range.count).contains(line) else {
                return nil
            }
            return range.lowerBound + line - 1
        }
    }

    let connection: PostgresConnection
    let rows: IsolatedRows
    let deadline: PostgresConnection.Deadline
    private(set) var isStaged: Bool
    private(set) var stored = 0
    private(set) var duplicates = 0
    private(set) var refused = 0
    /// What is still to be written; the next last.
    private var todo: [Range<Int>]
    /// How often a row failed alone, for errors that want more than one proof.
    private var loneFailures: [Int: Int] = [:]
    private var firstRefusal: PostgresError?
    private var areRefusalsAlike = true
    /// The last segment's savepoint stands; the next message gives it up, which saves a round trip.
    private var isSavepointOpen = false
    /// A sampled row was taken.
    private var takesSome = false

    init(
        _ rows: IsolatedRows, segmentRows: Int, on connection: PostgresConnection,
        deadline: PostgresConnection.Deadline
    ) {
        self.rows = rows
        self.connection = connection
        self.deadline = deadline
        isStaged = rows.isStaged
        todo = stride(from: 0, to: rows.count, by: max(1, segmentRows)).reversed().map { start in
            start..<min(start + max(1, segmentRows), rows.count)
        }
    }

    // MARK: Writing

    /// Writes segments until one fails, which is then rolled back; `nil` when all are written.
    /// - Throws: when the session did not survive.
    mutating func writeNext() throws(PostgresError) -> Failure? {
        while let range = todo.popLast() {
            do throws(PostgresError) {
                try write(range)
            } catch {
                guard !error.isConnectionLost else { throw error }
                try rollBack()
                return Failure(range: range, error: error)
            }
        }
        return nil
    }

    private mutating func write(_ range: Range<Int>) throws(PostgresError) {
        let written = try copy(range)
        stored += written
        duplicates += range.count - written
    }

    /// Sends rows behind a savepoint. Returns how many of them the table has because of that.
    private mutating func copy(_ range: Range<Int>) throws(PostgresError) -> Int {
        let sql = rows.target.sql
        let write =
            isStaged
            ? "\(sql.copyToStage); WITH new AS (\(sql.writeFromStage)) SELECT (\(sql.writtenCount))::text AS count FROM new; "
                + "DELETE FROM pg_temp.\(sql.stageName)"
            : sql.copy
        let release = isSavepointOpen ? "RELEASE SAVEPOINT millrace; " : ""
        try connection.send("\(release)SAVEPOINT millrace; \(write)", deadline: deadline)
        var copied: Int?
        var written: Int?
        exchange: while true {
            switch try connection.next(deadline: deadline) {
            case .copyIn:
                try rows.source.withPieces(ofRows: range) { bytes throws(PostgresError) in
                    try connection.putCopyData(bytes, deadline: deadline)
                }
                try connection.endCopy(deadline: deadline)
            case .command(let tag): copied = copied ?? CopyState.count(tag, of: "COPY")
            case .rows(let result): written = try Int(result[0].requiredInteger("count"))
            case .end: break exchange
            }
        }
        // A trigger that drops rows says nothing: what it dropped is found as any refused row is.
        guard copied == range.count else {
            throw .suppressedRow
        }
        isSavepointOpen = true
        return written ?? range.count
    }

    private mutating func rollBack() throws(PostgresError) {
        isSavepointOpen = false
        try connection.execute("ROLLBACK TO SAVEPOINT millrace; RELEASE SAVEPOINT millrace", deadline: deadline)
    }

    // MARK: What failed

    /// From here on rows go through the staging table, which must be there. The segment is tried again.
    mutating func stage(_ failure: Failure) {
        isStaged = true
        todo.append(failure.range)
    }

    /// Narrows a failed segment down. What is left of it is written next.
    /// - Parameter named: the row to suspect; without one the segment is halved.
    /// - Returns: the row that is left out, once there is one.
    mutating func isolate(_ failure: Failure, named: Int?, confirmations: Int) -> Int? {
        let range = failure.range
        if let row = named {
            if confirmations <= 1 { return refuse(row, in: range, failure.error) }
            push(row + 1..<range.upperBound)
            push(row..<row + 1)
            push(range.lowerBound..<row)
            return nil
        }
        guard range.count == 1 else {
            let middle = range.lowerBound + range.count / 2
            push(middle..<range.upperBound)
            push(range.lowerBound..<middle)
            return nil
        }
        loneFailures[range.lowerBound, default: 0] += 1
        if loneFailures[range.lowerBound, default: 0] >= confirmations {
            return refuse(range.lowerBound, in: range, failure.error)
        }
        push(range)
        return nil
    }

    /// Whether the table refuses all there is, and always for the same reason: a sample of the rest decides, because
    /// bad rows often stand together.
    /// - Throws: when the session did not survive.
    mutating func refusesEverything(
        _ limits: IsolationLimits, isDoubtful: Bool
    ) throws(PostgresError) -> Bool {
        guard stored + duplicates == 0, areRefusalsAlike, !takesSome else { return false }
        let limit = isDoubtful ? limits.doubtfulRefusals : limits.wholesaleRefusals
        guard rows.refusedBefore + refused >= limit else { return false }
        let rest = todo.reversed().flatMap(\.self)
        for row in stride(from: 0, to: rest.count, by: max(1, rest.count / max(1, limits.samples))).map({ rest[$0] }) {
            do throws(PostgresError) {
                _ = try copy(row..<row + 1)
                takesSome = true
            } catch {
                guard !error.isConnectionLost else { throw error }
            }
            try rollBack()
            if takesSome { return false }
        }
        return true
    }

    private mutating func refuse(_ row: Int, in range: Range<Int>, _ error: PostgresError) -> Int {
        push(row + 1..<range.upperBound)
        push(range.lowerBound..<row)
        refused += 1
        if let first = firstRefusal {
            areRefusalsAlike =
                areRefusalsAlike && first.sqlState == error.sqlState && first.column == error.column
                && first.constraint == error.constraint
        } else {
            firstRefusal = error
        }
        return row
    }

    private mutating func push(_ range: Range<Int>) {
        if !range.isEmpty { todo.append(range) }
    }
}
