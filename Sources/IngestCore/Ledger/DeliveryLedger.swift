public import Records

/// The law, for one lane: which entries it has delivered and not settled, and what may be acknowledged.
///
/// **Invariant: no entry is acknowledged before the transaction that holds its row, or the dead letter that holds its
/// fields, is durable.** It holds because an ``Acknowledgement`` can only be made here, and only from
/// - a ``CommitReceipt`` of the batch's latest plan (``settle(_:)``), which only a flawless answer to COMMIT makes, or
/// - ids that the ledger covers, as a plan made with probed coverage says (``settleCovered(_:)``, ``leave(_:)``).
///
/// A batch lives from ``admit(_:)`` to the call that settles or leaves it. Until then its ids are *in flight*: not to
/// be claimed again by this lane, and to be heartbeated. Calls with a batch that is not in flight do nothing.
public struct DeliveryLedger: Equatable, Sendable {
    private struct Batch: Equatable, Sendable {
        var number: BatchNumber
        var deliveries: [Delivery]
        var attempts: UInt32 = 0
        var rounds = FenceRounds()
        var plan: FencePlan?
        var isProbed = false
    }

    private var batches: [Batch] = []
    private var next: UInt64 = 1

    public init() {}

    // MARK: What is in flight

    public var isEmpty: Bool { batches.isEmpty }
    public var batchesInFlight: [BatchNumber] { batches.map(\.number) }

    public func deliveries(of batch: BatchNumber) -> [Delivery] {
        batches.first { $0.number == batch }?.deliveries ?? []
    }

    /// Whether this lane already works on the entry: it is then left out of what a claim brings.
    public func isInFlight(_ id: StreamID, of source: SourceNumber) -> Bool {
        batches.contains { $0.deliveries.contains { $0.source == source && $0.holds(id) } }
    }

    // MARK: The life of a batch

    /// Takes deliveries in; they are one transaction from here on. Empty deliveries count too: parts keep their order.
    public mutating func admit(_ deliveries: [Delivery]) -> BatchNumber {
        let number = BatchNumber(rawValue: next)
        next += 1
        batches.append(Batch(number: number, deliveries: deliveries))
        return number
    }

    /// The windows to probe before ``plan(_:coverage:)``.
    public func probes(for batch: BatchNumber, isSuspect: Bool = false) -> [FenceProbe] {
        guard let batch = batches.first(where: { $0.number == batch }) else { return [] }
        return FencePlanner.probes(for: batch.deliveries, isRetry: batch.attempts > 0, isSuspect: isSuspect)
    }

    /// Plans a try of the batch. `nil` when the batch is not in flight.
    /// - Parameter coverage: the answer to ``probes(for:isSuspect:)``, or `nil` when those were none.
    public mutating func plan(
        _ batch: BatchNumber, coverage: Coverage?
    ) -> (attempt: CommitAttempt, plan: FencePlan)? {
        guard let place = place(of: batch) else { return nil }
        return begin(FencePlanner.plan(batches[place].deliveries, coverage: coverage), at: place, coverage != nil)
    }

    /// Plans the next try after a conflict, with coverage probed after it. `nil` when there is no plan to replace.
    public mutating func conflicted(
        _ batch: BatchNumber, coverage: Coverage
    ) -> (attempt: CommitAttempt, step: FenceRounds.Step)? {
        guard let place = place(of: batch), let refused = batches[place].plan else { return nil }
        let step = batches[place].rounds.conflicted(
            refused, deliveries: batches[place].deliveries, coverage: coverage)
        switch step {
        case .commit(let plan), .acknowledgeCovered(let plan), .commitUnexplained(let plan), .leavePending(let plan):
            return (begin(plan, at: place, true).attempt, step)
        }
    }

    /// Cuts a batch behind its first `count` entries; the rest becomes a batch of its own, and both are planned anew.
    /// `nil` when one side would be empty.
    public mutating func split(_ batch: BatchNumber, after count: Int) -> BatchNumber? {
        guard let place = place(of: batch) else { return nil }
        let total = batches[place].deliveries.reduce(0) { $0 + $1.ids.count }
        guard count > 0, count < total else { return nil }
        var left = count
        var head: [Delivery] = []
        var tail: [Delivery] = []
        for delivery in batches[place].deliveries {
            let taken = min(left, delivery.ids.count)
            left -= taken
            if taken > 0 { head.append(delivery.part(0..<taken)) }
            if taken < delivery.ids.count { tail.append(delivery.part(taken..<delivery.ids.count)) }
        }
        batches[place].deliveries = head
        batches[place].plan = nil
        let attempts = batches[place].attempts
        let rest = admit(tail)
        batches[batches.count - 1].attempts = attempts
        return rest
    }

    // MARK: The ends of a batch

    /// The batch is durable: everything it held may be acknowledged. A receipt of an older try gives nothing.
    public mutating func settle(_ receipt: CommitReceipt) -> [Acknowledgement] {
        guard let place = place(of: receipt.attempt.batch), batches[place].plan != nil,
            batches[place].attempts == receipt.attempt.number
        else { return [] }
        return batches.remove(at: place).deliveries.compactMap { delivery in
            delivery.ids.isEmpty ? nil : Acknowledgement(source: delivery.source, ids: delivery.ids)
        }
    }

    /// The latest plan has nothing to write, since the ledger covers it all. Empty, and the batch stays in flight, when
    /// that is not so.
    public mutating func settleCovered(_ batch: BatchNumber) -> [Acknowledgement] {
        guard let place = place(of: batch), let plan = batches[place].plan, plan.isCovered else { return [] }
        return leave(batch)
    }

    /// Gives the batch up: what the ledger covers may be acknowledged, the rest stays pending in Redis.
    public mutating func leave(_ batch: BatchNumber) -> [Acknowledgement] {
        guard let place = place(of: batch) else { return [] }
        let left = batches.remove(at: place)
        guard let plan = left.plan, left.isProbed else { return [] }
        return zip(left.deliveries, plan.parts).compactMap { delivery, part in
            let ids = part.covered.flatMap { delivery.ids[$0] }
            return ids.isEmpty ? nil : Acknowledgement(source: delivery.source, ids: ids)
        }
    }

    private func place(of batch: BatchNumber) -> Int? {
        batches.firstIndex { $0.number == batch }
    }

    private mutating func begin(
        _ plan: FencePlan, at place: Int, _ isProbed: Bool
    ) -> (attempt: CommitAttempt, plan: FencePlan) {
        batches[place].attempts += 1
        batches[place].plan = plan
        batches[place].isProbed = isProbed
        return (CommitAttempt(batch: batches[place].number, number: batches[place].attempts), plan)
    }
}
