/// What a table has refused of late, over all lanes and batches of a process.
///
/// It outlives encoders and breakers: were it forgotten whenever a mapping is checked again, each look at a broken table
/// would dead-letter some more good entries.
public struct RefusalTally: Equatable, Sendable {
    /// Batches that go piece by piece after a refusal: as a whole they would be sent in vain.
    public static let isolatedBatches = 20

    /// Rows refused since the table took one.
    public private(set) var inARow = 0
    private var batchesApart = 0

    public init() {}

    /// Whether the next batch had better go piece by piece.
    public var expectsRefusals: Bool { batchesApart > 0 }

    /// A batch that went piece by piece is stored: so many of its rows were taken, and so many refused.
    public mutating func stored(taken: Int, refused: Int) {
        batchesApart = refused > 0 ? Self.isolatedBatches : max(0, batchesApart - 1)
        inARow = taken > 0 ? 0 : inARow + refused
    }

    /// The table is held because it refuses everything: until it takes a row, no row that it refuses is a letter.
    /// - Parameter limit: rows refused in a row that say so.
    public mutating func held(limit: Int) {
        batchesApart = Self.isolatedBatches
        inARow = max(inARow, limit)
    }
}
