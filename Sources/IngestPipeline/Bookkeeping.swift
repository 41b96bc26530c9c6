import CoreMetrics
public import IngestCore
import Logging
public import PostgresCopy
import Records
public import RedisStreams

/// Figures of every stream, and whether all entries are accounted for (``Conservation``).
struct Bookkeeping {
    /// The open sources at the last look.
    private(set) var books: [SourceBook] = []
    /// Entries that the audit found missing.
    var missing = 0
    private var readings: [SourceNumber: Conservation] = [:]
    private var reported: [SourceNumber: Int] = [:]
    var series = StreamSeries()
    private var dead: Set<String> = []

    mutating func look(_ worker: WorkerContext, _ servers: GroupServers) throws {
        let keys = worker.directory.all
        guard !keys.isEmpty else { return }
        let now = try servers.redis.serverMilliseconds()
        // Redis first, then the ledger: see Conservation.
        let accounts = try servers.redis.accounts(of: keys, group: servers.group)
        books = try servers.books()
        let bookOf = Dictionary(books.map { ($0.stream, $0) }, uniquingKeysWith: { first, _ in first })
        let own = Set(worker.ownStreams)
        let counted = try servers.redis.trimmedUnread(group: servers.group)
        var figures: [(StreamKey, StreamSeries.Figures)] = []
        var unaccounted = 0
        var untold = 0
        for key in keys {
            guard let account = accounts[key] else { continue }
            let book = bookOf[key]
            figures.append((key, .init(account, book, now: now)))
            guard let book else {
                untold += account.isDelivered ? 1 : 0
                continue
            }
            let reading = Conservation.Reading(account, book)
            unaccounted += judge(reading, book, worker)
            untold += reading.unaccounted == nil ? 1 : 0
            guard own.contains(key), let lost = reading.trimmedUnread, lost > counted[book.number] ?? 0 else {
                continue
            }
            try servers.redis.noteTrimmedUnread(lost, of: book.number, group: servers.group)
            series.unreadTrimmed(key, lost - (counted[book.number] ?? 0))
            worker.log.error(
                "entries went from a stream before they were read: they are lost",
                metadata: ["stream": "\(key)", "count": "\(lost - (counted[book.number] ?? 0))"])
        }
        series.record(figures)
        // What the audit names is, as a rule, what the numbers show.
        worker.metrics.conservationError.record(max(unaccounted, missing))
        worker.metrics.conservationUnknown.record(untold)
        tellDead(accounts, worker)
    }

    /// Entries of a stream that are nowhere, as far as that is known.
    private mutating func judge(_ reading: Conservation.Reading, _ book: SourceBook, _ worker: WorkerContext) -> Int {
        guard case .known(let count) = readings[book.number, default: Conservation()].read(reading) else { return 0 }
        if count > reported[book.number] ?? 0 {
            worker.log.error(
                "entries are not accounted for: read, not pending, and not in the ledger",
                metadata: ["stream": "\(book.stream)", "count": "\(count)"])
        }
        reported[book.number] = count
        return count
    }

    // MARK: Consumers that died

    /// Tells each once, until it lives again or holds nothing any more.
    private mutating func tellDead(_ accounts: [StreamKey: StreamAccount], _ worker: WorkerContext) {
        let heartbeats = worker.directory.heartbeats
        var held: [String: Int] = [:]
        for account in accounts.values {
            for consumer in account.consumers where consumer.pending > 0 && consumer.name != ConsumerNames.released {
                let silence = heartbeats.silence(of: consumer.name)
                let isDead =
                    silence.map { $0 >= TimeTable.silentAfter } ?? ((consumer.idle ?? .zero) >= TimeTable.claimAfter)
                if isDead { held[consumer.name, default: 0] += consumer.pending }
            }
        }
        for (name, pending) in held.sorted(by: { $0.key < $1.key }) where !dead.contains(name) {
            worker.log.warning(
                "a consumer is dead and holds entries; others take them over",
                metadata: ["consumer": "\(name)", "pending": "\(pending)"])
        }
        dead = Set(held.keys)
    }
}

extension Conservation.Reading {
    /// - Parameter book: read after the account.
    public init(_ account: StreamAccount, _ book: SourceBook) {
        // A group that was given nothing has no count.
        let isNew = account.group?.lastDeliveredID == .min
        self.init(
            added: account.stream.entriesAdded, read: isNew ? 0 : account.group?.entriesRead, unread: account.unread,
            pending: account.pending?.count ?? 0, recorded: book.entries.map { Int($0) })
    }
}
