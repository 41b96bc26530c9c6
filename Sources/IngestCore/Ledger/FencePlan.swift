public import Records

/// One row that a transaction writes into the ledger.
public struct FenceRange: Equatable, Sendable {
    public let source: SourceNumber
    public let ids: IDRange
    /// Entries the row stands for: rows stored plus dead letters.
    public let count: Int

    init(source: SourceNumber, ids: IDRange, count: Int) {
        self.source = source
        self.ids = ids
        self.count = count
    }
}

/// What one transaction writes and what it need not write. Made by ``FencePlanner`` only.
public struct FencePlan: Equatable, Sendable {
    /// One delivery's share. The three lists cut the delivery's indices without overlap; each ascends.
    public struct Part: Equatable, Sendable {
        public let source: SourceNumber
        /// Entries to store or to dead-letter in this transaction.
        public let survivors: [Range<Int>]
        /// Entries the ledger covers already: cache step and acknowledgement only.
        public let covered: [Range<Int>]
        /// Entries that an earlier part of this same batch holds too: acknowledged with it.
        public let repeated: [Range<Int>]

        init(source: SourceNumber, survivors: [Range<Int>], covered: [Range<Int>], repeated: [Range<Int>]) {
            self.source = source
            self.survivors = survivors
            self.covered = covered
            self.repeated = repeated
        }

        public var survivorCount: Int { survivors.reduce(0) { $0 + $1.count } }
    }

    /// The arguments of `ingest.fence`, sorted by (source, lower id), without overlap.
    public let ranges: [FenceRange]
    /// One per delivery, in the deliveries' order.
    public let parts: [Part]

    init(ranges: [FenceRange], parts: [Part]) {
        self.ranges = ranges
        self.parts = parts
    }

    /// Nothing is left to write: acknowledge what is covered, no transaction.
    public var isCovered: Bool { ranges.isEmpty }
    public var survivorCount: Int { parts.reduce(0) { $0 + $1.survivorCount } }
}

/// A window of the ledger to look at before planning: one overlap probe (`ids && [lower, upper]`) per source.
public struct FenceProbe: Equatable, Sendable {
    public let source: SourceNumber
    public let ids: IDRange

    init(source: SourceNumber, ids: IDRange) {
        self.source = source
        self.ids = ids
    }
}
