import IngestCore
import PostgresCopy
import PostgresWire
public import Records
import RedisStreams
import RedisWire

/// Looks whether every entry that a stream still holds, up to last-delivered, is in the ledger or pending
/// (``AuditPage``). Exact, and safe beside everything else; it changes nothing.
///
/// Blocks its thread; used from one thread at a time.
public final class StreamAudit {
    /// One step.
    public struct Page: Equatable, Sendable {
        /// Entries looked at; of these, pending and not yet covered; and those that are neither.
        public var entries = 0
        public var pending = 0
        public var missing: [StreamID] = []
        /// Where the next page begins; `nil` when last-delivered is reached.
        public var next: StreamID?
        /// Every entry from the page's first up to here is covered, but for those missing.
        public var upTo: StreamID
    }

    /// Ids asked for at once, and the most entries of a page.
    private static let pageSize = 1_000

    private let servers: GroupServers
    /// What was learned of pages, for another audit to go on with.
    private(set) var pages: PageSize

    public convenience init(_ servers: GroupServers) {
        self.init(servers, pages: nil)
    }

    init(_ servers: GroupServers, pages: PageSize?) {
        self.servers = servers
        self.pages = pages ?? PageSize(limit: Self.pageSize)
    }

    /// The streams that the database ingests through the group, and those of `configured` that the group was given
    /// entries of and that the database does not know.
    public func streams(
        configured: [StreamKey]
    ) throws -> (known: [(stream: StreamKey, source: SourceNumber)], unknown: [StreamKey]) {
        // Redis first: a source is opened before its stream is read.
        let accounts = try servers.redis.accounts(of: configured, group: servers.group)
        let books = try servers.books()
        let known = Set(books.map(\.stream))
        let unknown = configured.filter { accounts[$0]?.isDelivered == true && !known.contains($0) }
        return (books.map { ($0.stream, $0.number) }, unknown)
    }

    /// Looks at entries from `first` on.
    /// - Returns: `nil` when the stream or the group is not there.
    /// - Throws: ``RedisError`` and ``PostgresError``.
    public func page(
        of stream: StreamKey, _ source: SourceNumber, from first: StreamID
    ) throws -> Page? {
        do {
            return try wholePage(of: stream, source, from: first)
        } catch let error as RedisError {
            if case .timeout = error { pages.timedOut() }
            throw error
        }
    }

    private func wholePage(
        of stream: StreamKey, _ source: SourceNumber, from first: StreamID
    ) throws -> Page? {
        let count = pages.count
        guard let look = try look(stream, source, first, count) else { return nil }
        let behind = look.result.firstOpen ?? look.next
        var page = Page(upTo: behind.map { $0.predecessor ?? .min } ?? look.lastDelivered)
        page.entries = look.result.entries
        page.pending = look.result.pending
        page.next = look.next
        guard !look.result.missing.isEmpty else { return page }
        // A group that is made anew, and an entry that is deleted while it is looked at, are missing for a moment only.
        guard let again = try self.look(stream, source, first, count), again.token == look.token else {
            page.next = first
            page.upTo = first.predecessor ?? .min
            page.entries = 0
            page.pending = 0
            return page
        }
        page.missing = look.result.missing.filter(Set(again.result.missing).contains)
        return page
    }

    // MARK: One look

    private struct Look {
        var token: [UInt8]?
        var lastDelivered: StreamID
        var next: StreamID?
        var result: AuditPage.Result
    }

    /// The order of the reads is ``AuditPage``'s.
    private func look(
        _ stream: StreamKey, _ source: SourceNumber, _ first: StreamID, _ count: Int
    ) throws -> Look? {
        let token = try servers.redis.epoch(group: servers.group)
        guard let group = try servers.redis.groups(of: stream).first(where: { $0.name == servers.group }) else {
            return nil
        }
        let last = group.lastDeliveredID
        guard first <= last else {
            return Look(token: token, lastDelivered: last, next: nil, result: .init())
        }
        var block = EntryBlock()
        let asked = ContinuousClock.now
        let found = try servers.redis.range(
            of: stream, IDRange(first, last), count: count, into: &block,
            timeout: count == 1 ? PageSize.lonePatience : nil)
        pages.observed(entries: found, bytes: block.byteCount(of: 0..<found), in: .now - asked)
        let ids = (0..<found).map { block.id($0) }
        let result = try judge(ids, stream, source, last)
        let next = found < count ? nil : ids.last?.successor
        return Look(token: token, lastDelivered: last, next: next.flatMap { $0 <= last ? $0 : nil }, result: result)
    }

    private func judge(
        _ ids: [StreamID], _ stream: StreamKey, _ source: SourceNumber, _ last: StreamID
    ) throws -> AuditPage.Result {
        // What is covered stays so: as a rule nothing more has to be asked.
        let open = try coverage(ids, source).subtracted(from: ids, of: source)
        guard let first = open.first, let end = open.last else {
            return AuditPage.Result(entries: ids.count)
        }
        let pending = try pending(of: stream, IDRange(first, end))
        var result = AuditPage.judge(
            open, lastDelivered: last, pending: pending, coverage: try coverage(open, source), of: source)
        result.entries = ids.count
        return result
    }

    private func coverage(_ ids: [StreamID], _ source: SourceNumber) throws(PostgresError) -> Coverage {
        guard let first = ids.first, let last = ids.last else { return Coverage() }
        return Coverage(
            try servers.ledger.coverage(
                of: [(source: source, ids: IDRange(first, last))], deadline: servers.deadline))
    }

    private func pending(of stream: StreamKey, _ range: IDRange) throws(RedisError) -> Set<StreamID> {
        var found: Set<StreamID> = []
        var next: StreamID? = range.lower
        while let from = next, from <= range.upper {
            let some = try servers.redis.pending(
                of: stream, group: servers.group, in: IDRange(from, range.upper), count: Self.pageSize)
            found.formUnion(some.map(\.id))
            next = some.count < Self.pageSize ? nil : some.last?.id.successor
        }
        return found
    }
}
