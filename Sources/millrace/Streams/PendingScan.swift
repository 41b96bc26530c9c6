import Records
import RedisStreams
import RedisWire

/// Collects pending entries of one stream after the other, until a page is full.
struct PendingScan {
    struct Item {
        var stream: StreamKey
        var entry: PendingEntry
    }

    let group: String
    let consumer: String?
    let minimumIdle: Duration
    let limit: Int
    private(set) var found: [Item] = []
    /// Where the next page begins; `nil` while there is room.
    private(set) var next: (stream: StreamKey, id: StreamID)?
    /// The server looks at so many entries at a time.
    private static let entriesAtOnce = 1000

    init(group: String, consumer: String?, minimumIdle: Duration, limit: Int) {
        self.group = group
        self.consumer = consumer
        self.minimumIdle = minimumIdle
        self.limit = limit
    }

    /// - Parameter from: the first id to look at; `nil` is the first of all.
    mutating func read(_ stream: StreamKey, from: StreamID?, on connection: RedisConnection) throws(RedisError) {
        var lower: StreamID? = from ?? .min
        while let start = lower, next == nil {
            let entries: [PendingEntry]
            do throws(RedisError) {
                entries = try connection.pending(
                    of: stream, group: group, in: IDRange(start, .max), count: Self.entriesAtOnce, consumer: consumer)
            } catch .server(let error) where error.code == "NOGROUP" || error.code == "WRONGTYPE" {
                return
            }
            take(entries, of: stream)
            lower = entries.count < Self.entriesAtOnce ? nil : entries.last?.id.successor
        }
    }

    private mutating func take(_ entries: [PendingEntry], of stream: StreamKey) {
        for entry in entries where entry.idle >= minimumIdle {
            guard found.count < limit else {
                next = (stream, entry.id)
                return
            }
            found.append(Item(stream: stream, entry: entry))
        }
    }
}
