public import PostgresWire
import Records

/// What operators do to the letters they choose.
public enum LetterChange: Equatable, Sendable {
    /// Gives open letters up: they stay in the table, in state `d`, and are not tried any more.
    case discard(by: String)
    /// Removes closed letters, their fields with them. Only the owner of the table may.
    case purge
    /// Makes scheduled letters due. A letter that had its last try gets one more.
    case retryNow(maximumAttempts: Int)
    /// Takes letters out of the schedule: they wait for an operator.
    case cancelRetry
}

/// Makes a change to letters page by page, in the order of their keys.
///
/// Each page is a transaction of its own. So no statement takes long, whoever stops half way keeps what is done, and
/// whoever does not know what became of a page sweeps once more: changing a letter twice is changing it once.
public struct LetterSweep {
    private let store: LetterStore
    private let change: LetterChange
    private let selection: LetterSelection
    private let pageLetters: Int
    /// Letters written later are left out, so that the sweep ends.
    private let moment: String
    private var last: LetterKey?

    public init(
        _ change: LetterChange, of selection: LetterSelection, in store: LetterStore,
        pageLetters: Int = LetterStore.pageLetters, deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        self.store = store
        self.change = change
        self.selection = selection
        self.pageLetters = max(1, pageLetters)
        moment = try store.now(deadline: deadline)
    }

    /// Changes the letters of the next page.
    /// - Returns: how many; `nil` when no letter is left.
    public mutating func next(deadline: PostgresConnection.Deadline) throws(PostgresError) -> Int? {
        let found = try store.connection.query(statement, [moment] + parameters, deadline: deadline)
        guard let row = found.first else { return nil }
        last = try row.letterKey()
        return Int(try row.requiredInteger("n"))
    }

    /// Locks the page's letters in one order for all, which is also the order of replays.
    private var statement: String {
        """
        WITH chosen AS (
          SELECT l.source_no, l.id FROM ingest.dead_letter l JOIN ingest.source s USING (source_no)
           WHERE \(condition) ORDER BY l.source_no, l.id LIMIT \(pageLetters) FOR UPDATE OF l),
        changed AS (\(action))
        SELECT source_no, id, (SELECT count(*) FROM changed) AS n FROM chosen
         ORDER BY source_no DESC, id DESC LIMIT 1
        """
    }

    private var condition: String {
        var chosen = selection
        if change != .purge { chosen.state = .open }
        var terms = [chosen.condition(in: store.scope), "l.created_at <= $1::timestamptz"]
        if change == .purge { terms.append("l.state <> 'o'") }
        if let last { terms.append("(l.source_no, l.id) > (\(last.source.rawValue), '\(last.id.uuidHex)'::uuid)") }
        return terms.joined(separator: " AND ")
    }

    private var action: String {
        switch change {
        case .discard: Self.update("state = 'd', closed_at = now(), closed_by = $2, next_retry = NULL")
        case .purge:
            """
            DELETE FROM ingest.dead_letter l USING chosen c WHERE l.source_no = c.source_no AND l.id = c.id
            RETURNING l.source_no, l.id),
            parts AS (
              DELETE FROM ingest.dead_letter_part p USING changed c WHERE p.source_no = c.source_no AND p.id = c.id
            """
        case .retryNow: Self.update("next_retry = now(), attempts = least(l.attempts, $2::int)")
        case .cancelRetry: Self.update("next_retry = NULL")
        }
    }

    private static func update(_ assignments: String) -> String {
        """
        UPDATE ingest.dead_letter l SET \(assignments) FROM chosen c
         WHERE l.source_no = c.source_no AND l.id = c.id AND l.state = 'o' RETURNING 1
        """
    }

    private var parameters: [String?] {
        switch change {
        case .discard(let actor): [actor]
        case .retryNow(let maximumAttempts): [String(max(0, maximumAttempts - 1))]
        case .purge, .cancelRetry: []
        }
    }
}
