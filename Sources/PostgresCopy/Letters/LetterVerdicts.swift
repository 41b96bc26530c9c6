import PostgresWire
public import Records

/// A letter that was tried again and still cannot be stored.
public struct FailedAttempt: Equatable, Sendable {
    public enum Next: Equatable, Sendable {
        /// As it was: the letter was not leased.
        case unchanged
        /// Waits for an operator.
        case never
        case after(Duration)
    }

    public var key: LetterKey
    public var rejection: Rejection
    public var constraint: String?
    /// The server's words. They may quote the record; shown to operators only.
    public var detail: String?
    public var next: Next

    public init(
        key: LetterKey, rejection: Rejection, constraint: String? = nil, detail: String? = nil, next: Next = .unchanged
    ) {
        self.key = key
        self.rejection = rejection
        self.constraint = constraint
        self.detail = detail
        self.next = next
    }

    public var fingerprint: String {
        DeadLetter.fingerprint(rejection, constraint: constraint)
    }
}

/// What a transaction writes about the letters it tried: which are stored by it, and which failed again.
public struct LetterVerdicts: Equatable, Sendable {
    /// Letters as they were read; they must be open, and not edited since.
    public var stored: [(key: LetterKey, edits: Int)] = []
    public var failed: [(attempt: FailedAttempt, edits: Int)] = []
    /// Who tries, for the letters' logs.
    public var actor: String
    /// The batch that stores.
    public var batch: HexUUID
    /// The attempt was counted when the letters were leased.
    public var isCounted: Bool

    public init(actor: String, batch: HexUUID, isCounted: Bool) {
        self.actor = actor
        self.batch = batch
        self.isCounted = isCounted
    }

    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.statements == rhs.statements
    }

    public var isEmpty: Bool { stored.isEmpty && failed.isEmpty }

    /// Run behind the rows and before COMMIT. They fail with ``PostgresWire/SQLState/lettersClosed`` unless all letters
    /// are still open and as they were read.
    public var statements: [CommitUnit.Statement] {
        var statements: [CommitUnit.Statement] = []
        if !stored.isEmpty { statements.append(Self.fenced(closing, stored.count)) }
        if !failed.isEmpty { statements.append(Self.fenced(failing, failed.count)) }
        return statements
    }

    /// Counts what an UPDATE found; it waits for whoever has a letter in hand, and then sees what became of it.
    private static func fenced(_ update: String, _ count: Int) -> CommitUnit.Statement {
        CommitUnit.Statement(
            "WITH found AS (\(update) RETURNING 1) SELECT ingest.require_letters(count(*), \(count)) FROM found")
    }

    private var increment: Int { isCounted ? 0 : 1 }

    /// The log's line is the same for all, and made once: hence the subquery.
    private var closing: String {
        let edits = stored.map { String($0.edits) }.joined(separator: ",")
        return """
            UPDATE ingest.dead_letter l
               SET state = 'r', closed_at = clock_timestamp(), closed_by = \(SQLText.textLiteral(actor)),
                   stored_by = '\(batch)'::uuid, next_retry = NULL, attempts = l.attempts + \(increment),
                   attempt_log = ingest.add_attempt(l.attempt_log, (SELECT \(log("'stored', true"))))
              FROM unnest(\(LetterStore.arrays(stored.map(\.key))), '{\(edits)}'::int[]) AS k(source_no, id, edits)
             WHERE l.source_no = k.source_no AND l.id = k.id AND l.edits = k.edits AND l.state = 'o'
            """
    }

    private var failing: String {
        """
        UPDATE ingest.dead_letter l
           SET first_reason = coalesce(l.first_reason, l.reason), cause = f.cause, reason = f.reason,
               table_name = f.table_name, column_name = f.column_name, field = f.field, sqlstate = f.sqlstate,
               constraint_name = f.constraint_name, detail = f.detail, fingerprint = f.fingerprint,
               attempts = l.attempts + \(increment),
               next_retry = CASE f.next WHEN -1 THEN l.next_retry ELSE now() + f.next * interval '1 millisecond' END,
               attempt_log = ingest.add_attempt(
                 l.attempt_log, \(log("'stored', false, 'reason', f.reason, 'detail', f.detail")))
          FROM (VALUES \(failed.map { Self.values($0.attempt, $0.edits) }.joined(separator: ",\n")))
            AS f(source_no, id, cause, reason, table_name, column_name, field, sqlstate, constraint_name, detail,
                 fingerprint, next, edits)
         WHERE l.source_no = f.source_no AND l.id = f.id AND l.edits = f.edits AND l.state = 'o'
        """
    }

    private func log(_ more: String) -> String {
        "jsonb_build_object('at', clock_timestamp(), 'by', \(SQLText.textLiteral(actor)), \(more))"
    }

    private static func values(_ attempt: FailedAttempt, _ edits: Int) -> String {
        let rejection = attempt.rejection
        let values = [
            String(attempt.key.source.rawValue), "'\(attempt.key.id.uuidHex)'::uuid",
            SQLText.textLiteral(rejection.reason.rawValue), SQLText.textLiteral(rejection.description),
            text(rejection.table), text(rejection.column), text(rejection.field), text(rejection.sqlState),
            text(attempt.constraint), text(attempt.detail), SQLText.textLiteral(attempt.fingerprint),
            next(attempt.next), String(edits),
        ]
        return "(" + values.joined(separator: ",") + ")"
    }

    private static func text(_ value: String?) -> String { value.map { SQLText.textLiteral($0) } ?? "NULL::text" }

    /// -1 leaves it, NULL takes it away.
    private static func next(_ next: FailedAttempt.Next) -> String {
        switch next {
        case .unchanged: "-1::bigint"
        case .never: "NULL::bigint"
        case .after(let pause): "\(max(0, SQLText.milliseconds(pause)))::bigint"
        }
    }
}
