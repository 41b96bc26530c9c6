public import Records
import Synchronization

/// What the lanes of this process have done since it started. Counted once a batch; thread-safe.
public final class RunTally: Sendable {
    public struct Figures: Equatable, Sendable {
        /// Entries that a commit of this process disposed of: as rows, as duplicates or as dead letters.
        public var entries = 0
        /// Rows that a commit made durable.
        public var rows = 0
        /// Entries whose row was in its table already, by the table's key.
        public var duplicates = 0
        /// Entries that came again and that the ledger had already.
        public var covered = 0
        /// Entries that became dead letters.
        public var letters: [Rejection.Reason: Int] = [:]
        /// Earlier dead letters that the retry lane stored.
        public var retried = 0
    }

    private let value = Mutex(Figures())

    public var figures: Figures { value.withLock(\.self) }

    func update(_ change: (inout Figures) -> Void) {
        value.withLock { change(&$0) }
    }
}

/// What a run came to, and what the database has of the group's dead letters at its end.
public struct RunSummary: Equatable, Sendable {
    public struct Letters: Equatable, Sendable {
        public var open: Int
        /// Of the open ones, those that will be tried again by themselves.
        public var scheduled: Int
        /// Those that the dead-letter stream does not have yet; `nil` when there is no such stream.
        public var unmirrored: Int?
    }

    public var figures: RunTally.Figures
    /// `nil` when the database did not answer at the end.
    public var letters: Letters?
}
