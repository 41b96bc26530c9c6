import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import Records
import RedisStreams

/// The audit that goes on in the background: a page every fifth of a second, stream after stream, each from where it
/// was left. How far it is stands in Redis, so that `stats` can tell and a successor goes on there.
struct Auditing {
    /// Streams that one step looks at until it finds a page full of entries.
    private static let streamsAtOnce = 16

    private var books: [StreamKey: SourceBook] = [:]
    private var notes: [SourceNumber: AuditNote] = [:]
    private var queue: [StreamKey] = []
    private var told: Set<SourceNumber> = []
    private var pages: PageSize?
    /// Entries found missing, of all sources.
    private(set) var missing = 0

    mutating func update(_ books: [SourceBook]) {
        self.books = Dictionary(books.map { ($0.stream, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func step(_ worker: WorkerContext, _ servers: GroupServers) throws {
        if queue.isEmpty {
            queue = worker.ownStreams
            notes = try servers.redis.auditNotes(group: servers.group)
            report(worker)
        }
        for _ in 0..<Self.streamsAtOnce {
            guard let stream = queue.popLast() else { return }
            guard let source = books[stream]?.number else { continue }
            if try look(at: stream, source, worker, servers) { return }
        }
    }

    /// - Returns: whether a page full of entries was read.
    private mutating func look(
        at stream: StreamKey, _ source: SourceNumber, _ worker: WorkerContext, _ servers: GroupServers
    ) throws -> Bool {
        let before = notes[source] ?? AuditNote(upTo: .min, missing: 0)
        let first = notes[source] == nil ? StreamID.min : before.upTo.successor ?? .max
        let audit = StreamAudit(servers, pages: pages)
        defer { pages = audit.pages }
        guard let page = try audit.page(of: stream, source, from: first) else { return false }
        var note = before
        note.upTo = max(before.upTo, page.upTo)
        // What lies behind an entry that is still open is looked at again later.
        let counted = page.missing.filter { $0 <= note.upTo }
        note.missing += counted.count
        if note != before || notes[source] == nil {
            try servers.redis.noteAudit(note, of: source, group: servers.group)
            notes[source] = note
        }
        if let lost = counted.first, told.insert(source).inserted {
            worker.log.error(
                "entries are missing: neither stored nor pending",
                metadata: ["stream": "\(stream)", "count": "\(counted.count)", "first": "\(lost)"])
        }
        guard page.next != nil, page.pending == 0 else { return page.entries > 0 }
        queue.append(stream)
        return true
    }

    /// A round begins: sums up the last one.
    private mutating func report(_ worker: WorkerContext) {
        let own = queue.compactMap { books[$0] }.compactMap { book in notes[book.number].map { (book, $0) } }
        missing = own.reduce(0) { $0 + $1.1.missing }
        // Streams that are audited whole and rest do not hold the position back.
        let behind = own.filter { book, note in book.highest.map { note.upTo < $0 } ?? false }
        guard let position = (behind.map(\.1.upTo).min() ?? own.map(\.1.upTo).max()) else { return }
        worker.metrics.auditPosition.record(Double(position.milliseconds) / 1_000)
    }
}
