/// Proof that the transaction of a batch is durable.
///
/// There is one way to get one: ``CommitOutcome`` found nothing wrong with what came back. Without one
/// ``DeliveryLedger`` gives out no acknowledgement for rows just written. A receipt settles once.
public struct CommitReceipt: Equatable, Sendable {
    /// The batch, and which try of it: a receipt of an earlier plan settles nothing.
    public let attempt: CommitAttempt

    init(attempt: CommitAttempt) {
        self.attempt = attempt
    }
}

/// One try to commit one batch: what ``DeliveryLedger`` gives out when a plan is made.
public struct CommitAttempt: Hashable, Sendable {
    public let batch: BatchNumber
    let number: UInt32

    init(batch: BatchNumber, number: UInt32) {
        self.batch = batch
        self.number = number
    }
}

/// A batch of one lane, counted from the lane's start.
public struct BatchNumber: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (lhs: BatchNumber, rhs: BatchNumber) -> Bool { lhs.rawValue < rhs.rawValue }
}
