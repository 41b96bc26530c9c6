import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import Records

/// Pending entries that this lane has noted as tried, until it has outlived the try.
struct NotedEntries {
    var source: SourceNumber
    var ids: [StreamID]
}

/// Entries that were in somebody's hands may be what it died of. Before any of them is tried that is noted in the
/// database, and forgotten afterwards; what is found noted is tried alone. (docs/decisions/0016-suspects.md)
extension Pipeline {
    /// What of these entries is tried now; the rest goes back to the claims. `nil` when the lane has to be alone first.
    func trial(of ids: [StreamID], _ source: SourceNumber, _ stream: StreamKey) throws(LaneFailure) -> PendingTrial? {
        let attempts = try onPostgres { session throws(PostgresError) in
            try session.suspects.loneAttempts(of: ids, in: source, deadline: session.deadline)
        }
        let trial = SuspectTrial(ids, loneAttempts: attempts)
        let count = if case .together(let count) = trial { count } else { 1 }
        let tried = Array(ids.prefix(count))
        if trial == .alone, !isAlone {
            wantsSolitude = true
            return nil
        }
        // It is noted first: this process may not come to anything else.
        noted = NotedEntries(source: source, ids: tried)
        if trial != .givenUp {
            try onPostgres { session throws(PostgresError) in
                try session.suspects.note(tried, isAlone: trial == .alone, in: source, deadline: session.deadline)
            }
        } else {
            worker.log.error(
                "an entry was alone when workers died, several times: it becomes a dead letter",
                metadata: ["stream": "\(stream)", "id": "\(ids[0])"])
        }
        return PendingTrial(ids: tried, isGivenUp: trial == .givenUp)
    }

    /// The lane lives: what it tried is not what anybody died of.
    func forgetSurvived() throws(LaneFailure) {
        guard let noted else { return }
        try settle()
        try onPostgres { session throws(PostgresError) in
            try session.suspects.forget(noted.ids, in: noted.source, deadline: session.deadline)
        }
        self.noted = nil
    }
}

/// Pending entries that are tried together.
struct PendingTrial {
    var ids: [StreamID]
    /// They become letters without being tried.
    var isGivenUp: Bool
}
