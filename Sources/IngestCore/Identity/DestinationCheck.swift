public import Records

/// Whether the database is still the one, at least as new as the acknowledgements, that Redis was told about. Asked at
/// start and whenever a connection to PostgreSQL opens.
///
/// After `wentBack`: no XACK, no merge, no trimming, until `millrace reconcile` has run.
public enum DestinationCheck: Equatable, Sendable {
    case ok
    /// Nothing was stored about the destination yet: store what was found.
    case unknown
    case wentBack([Reason])

    public enum Reason: Equatable, Sendable {
        /// This id was acknowledged and is not covered.
        case acknowledgedIDMissing(SourceNumber, StreamID)
        /// Another cluster answers.
        case systemChanged
        /// A standby was promoted, or a backup restored to a point in time.
        case timelineChanged
    }

    /// `pg_control_system()` and `pg_control_checkpoint()`.
    public struct Identity: Equatable, Hashable, Sendable {
        public var system: UInt64
        public var timeline: UInt32

        public init(system: UInt64, timeline: UInt32) {
            self.system = system
            self.timeline = timeline
        }
    }

    /// - Parameters:
    ///   - stored: what `ingest.destination` says, or `nil` when it says nothing.
    ///   - found: what the server says.
    ///   - acknowledged: per source the highest id of `millrace:{group}:acked`, joined with what this process
    ///     remembers.
    ///   - coverage: the ledger's answer to probes of these ids.
    public init(
        stored: Identity?, found: Identity, acknowledged: [SourceNumber: StreamID], coverage: Coverage
    ) {
        var reasons: [Reason] = []
        if let stored, stored.system != found.system { reasons.append(.systemChanged) }
        if let stored, stored.system == found.system, stored.timeline != found.timeline {
            reasons.append(.timelineChanged)
        }
        for (source, id) in acknowledged.sorted(by: { $0.key < $1.key }) where !coverage.contains(id, of: source) {
            reasons.append(.acknowledgedIDMissing(source, id))
        }
        self = !reasons.isEmpty ? .wentBack(reasons) : stored == nil ? .unknown : .ok
    }
}
