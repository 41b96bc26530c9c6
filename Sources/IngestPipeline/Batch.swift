import IngestCore
import Records

/// A block that batches point into. It belongs to one lane's thread and goes back to the lane's pool with its last
/// batch.
final class HeldBlock {
    var block: EntryBlock
    /// Batches that point into it and are not done.
    var users = 0

    init(_ block: consuming EntryBlock) {
        self.block = block
    }
}

/// Entries that one transaction shall dispose of, and where their fields lie.
struct Batch {
    /// Where the entries of one delivery lie.
    struct Part {
        let stream: StreamKey
        let route: Routes.RouteID
        let places: Places

        func part(_ bounds: Range<Int>) -> Part {
            Part(stream: stream, route: route, places: places.part(bounds))
        }
    }

    /// The block's index of each entry of a delivery.
    enum Places {
        /// Side by side from this index on: a whole reply of one stream.
        case contiguous(from: Int)
        /// One by one; `nil` for an entry that was deleted before it could be read.
        case listed([Int?])

        func index(_ entry: Int) -> Int? {
            switch self {
            case .contiguous(let first): first + entry
            case .listed(let indexes): indexes[entry]
            }
        }

        /// The entry of a delivery of `count` entries that lies at this index of the block.
        func entry(at index: Int, count: Int) -> Int? {
            switch self {
            case .contiguous(let first): index >= first && index < first + count ? index - first : nil
            case .listed(let indexes): indexes.firstIndex(of: index)
            }
        }

        func part(_ bounds: Range<Int>) -> Places {
            switch self {
            case .contiguous(let first): .contiguous(from: first + bounds.lowerBound)
            case .listed(let indexes): .listed(Array(indexes[bounds]))
            }
        }
    }

    let number: BatchNumber
    let source: HeldBlock
    let readAt: ContinuousClock.Instant
    /// One per delivery of the batch, in the same order.
    var parts: [Part]
    /// Entries that are too much for the database even alone, or that workers died of, by their index in the block.
    var refused: [Int: Refusal] = [:]
    /// Tries that ended in a failure which may pass (a deadlock, a serialization failure).
    var retries = 0
    /// Partitions were asked for once: what finds none now has none.
    var hasAskedForChunks = false
    /// Its tables take other entries: what they refuse of this batch is the entries' fault, however much it is.
    var isToBlame = false

    /// Cuts the parts behind the first `count` entries, as ``DeliveryLedger/split(_:after:)`` cuts the deliveries.
    mutating func split(after count: Int, deliveries: [Delivery], rest number: BatchNumber) -> Batch {
        var left = count
        var head: [Part] = []
        var tail: [Part] = []
        for (part, delivery) in zip(parts, deliveries) {
            let taken = min(left, delivery.ids.count)
            left -= taken
            if taken > 0 { head.append(part.part(0..<taken)) }
            if taken < delivery.ids.count { tail.append(part.part(taken..<delivery.ids.count)) }
        }
        parts = head
        var rest = Batch(number: number, source: source, readAt: readAt, parts: tail, refused: refused)
        rest.hasAskedForChunks = hasAskedForChunks
        rest.isToBlame = isToBlame
        return rest
    }
}
