/// What became of the steps of one table.
public struct TableMaintenance: Equatable, Sendable {
    public enum Outcome: Equatable, Sendable {
        /// Not tried: a dry run.
        case planned
        /// So many chunks, or statements.
        case done(Int)
        /// Somebody else holds the lock or the table: next time.
        case later
        /// What the server said.
        case failed(String)
    }

    public struct Entry: Equatable, Sendable {
        public var step: MaintenanceStep
        public var outcome: Outcome
    }

    public var table: String
    public var chunkCount: Int
    public var entries: [Entry]

    public var failures: [String] {
        entries.compactMap { entry in
            guard case .failed(let reason) = entry.outcome else { return nil }
            return "\(table): \(entry.step.name): \(reason)"
        }
    }
}

extension MaintenanceStep {
    /// A bounded word for people, JSON and metrics.
    public var name: String {
        switch self {
        case .adjust: "adjust"
        case .make: "make"
        case .drop: "drop"
        case .compress: "compress"
        case .move: "move"
        }
    }
}
