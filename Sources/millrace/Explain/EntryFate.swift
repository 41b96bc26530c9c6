/// Where an entry went, out of the facts. A value without I/O.
enum EntryFate: Equatable {
    /// In the table; the batch, while its lineage is kept.
    case stored(batch: String?)
    /// An open, replayed or discarded letter.
    case letter(state: String)
    /// Delivered to this consumer and not acknowledged.
    case pending(consumer: String)
    /// Committed; the acknowledgement is on its way.
    case storedNotAcknowledged(batch: String?)
    /// The ledger has its id, and nothing shows that there was such an entry: ranges span ids that never came.
    case covered
    /// Behind what the group has read.
    case waiting
    /// Not disposed of, and not in the stream any more.
    case gone
    /// In the stream, read by the group, not pending and not in the ledger.
    case unaccounted
    /// Neither the stream nor the database has ever seen it.
    case unknown

    struct Facts: Equatable {
        var isCovered = false
        var batch: String?
        var letterState: String?
        var isInStream = false
        var pendingConsumer: String?
        /// The group has been given it, or ids behind it.
        var isDelivered = false
        /// The stream gave ids up to here or further.
        var wasGenerated = false
    }

    init(_ facts: Facts) {
        if let state = facts.letterState {
            self = .letter(state: state)
        } else if facts.isCovered, facts.pendingConsumer != nil {
            self = .storedNotAcknowledged(batch: facts.batch)
        } else if facts.isCovered {
            self = facts.isInStream ? .stored(batch: facts.batch) : .covered
        } else if let consumer = facts.pendingConsumer {
            self = .pending(consumer: consumer)
        } else if facts.isInStream {
            self = facts.isDelivered ? .unaccounted : .waiting
        } else {
            self = facts.wasGenerated ? .gone : .unknown
        }
    }

    /// For scripts.
    var word: String {
        switch self {
        case .stored, .storedNotAcknowledged: "stored"
        case .covered: "covered"
        case .letter(let state): "letter_\(state)"
        case .pending: "pending"
        case .waiting: "waiting"
        case .gone: "gone"
        case .unaccounted: "unaccounted"
        case .unknown: "unknown"
        }
    }

    var sentence: String {
        switch self {
        case .stored(let batch): "stored" + (batch.map { ", by batch \($0)" } ?? ": its ids are in the ledger")
        case .storedNotAcknowledged(let batch):
            "stored" + (batch.map { " by batch \($0)" } ?? "") + "; the acknowledgement is on its way"
        case .covered:
            "its id lies in a stored range; the stream has no such entry any more: trimmed, deleted or never there"
        case .letter("replayed"): "a dead letter that was replayed: stored"
        case .letter(let state): "a dead letter, \(state): see `millrace dlq inspect`"
        case .pending(let consumer): "delivered to \(consumer), not committed yet"
        case .waiting: "waits in the stream: the group has not read it"
        case .gone: "not stored, and not in the stream any more: deleted or trimmed, or the stream never had it"
        case .unaccounted: "read by the group, not pending and not stored: it was acknowledged by somebody else"
        case .unknown: "unknown: the stream has not come to this id, and the database has not seen it"
        }
    }
}
