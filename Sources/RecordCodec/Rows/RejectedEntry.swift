public import Records

/// An entry that cannot be a row, and why.
public struct RejectedEntry: Equatable, Sendable {
    /// The entry's index in its block.
    public var index: Int
    public var rejection: Rejection

    public init(index: Int, rejection: Rejection) {
        self.index = index
        self.rejection = rejection
    }
}
