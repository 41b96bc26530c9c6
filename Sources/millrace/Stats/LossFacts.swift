import IngestCore
import IngestPipeline
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire

/// Whether every entry is accounted for: by number, now, and one by one, as far as the workers' audit has come.
struct LossFacts: Encodable {
    /// Entries that were read, are not pending and not in the ledger, or that the audit found missing. `nil` when
    /// nobody can tell.
    private(set) var lost: Int?
    /// Streams whose entries cannot be counted: the server does not know, some were adopted from before Millrace, or
    /// the database does not know the stream.
    private(set) var uncountedStreams = 0
    /// Of these, streams that were read and that the database does not know: it is another one, or an older copy.
    private(set) var unknownStreams = 0
    /// The database lacks what was acknowledged, or is another one: `millrace reconcile` comes first.
    private(set) var hasGoneBack = false
    /// Entries that the audit found missing.
    private(set) var missing = 0
    /// Entries that went from the streams before they were read, as far as workers noticed.
    private(set) var trimmedUnread = 0
    /// Of the stream that the audit is furthest behind in.
    private(set) var auditedUpTo: String?
    private(set) var auditedSecondsAgo: Double?
    private(set) var isAuditedWhole = false

    private enum CodingKeys: String, CodingKey {
        case lost, missing
        case uncountedStreams = "uncounted_streams"
        case unknownStreams = "unknown_streams"
        case hasGoneBack = "destination_went_back"
        case trimmedUnread = "trimmed_unread"
        case auditedUpTo = "audited_up_to"
        case auditedSecondsAgo = "audited_seconds_ago"
        case isAuditedWhole = "audited_whole"
    }

    /// - Parameter streams: those to count; others of the group are left out.
    init(_ servers: GroupServers, streams: [StreamKey], now: Int) throws {
        var readings: [SourceNumber: Conservation] = [:]
        var (books, unknown) = try Self.read(servers, streams, &readings)
        // A difference counts only when it shows twice.
        if unknown > 0 || books.contains(where: { $0.1 != .known(0) }) {
            (books, unknown) = try Self.read(servers, streams, &readings)
        }
        unknownStreams = unknown
        hasGoneBack = try servers.hasDestinationGoneBack()
        let notes = try servers.redis.auditNotes(group: servers.group)
        let trimmed = try servers.redis.trimmedUnread(group: servers.group)
        var behind: [StreamID] = []
        var unaccounted = 0
        for (book, verdict) in books {
            if case .known(let count) = verdict { unaccounted += count } else { uncountedStreams += 1 }
            let note = notes[book.number]
            missing += note?.missing ?? 0
            trimmedUnread += trimmed[book.number] ?? 0
            if let highest = book.highest, note.map({ $0.upTo < highest }) ?? true { behind.append(note?.upTo ?? .min) }
        }
        let isCounted = unknown == 0 && (uncountedStreams < books.count || books.isEmpty)
        uncountedStreams += unknown
        // Missing entries are not accounted for either.
        let found = max(unaccounted, missing)
        lost = isCounted || found > 0 ? found : nil
        isAuditedWhole = behind.isEmpty && unknown == 0 && !books.isEmpty
        guard let position = behind.min() ?? books.compactMap({ notes[$0.0.number]?.upTo }).max() else { return }
        auditedUpTo = position.description
        if position > .min, position.milliseconds <= UInt64(max(0, now)) {
            auditedSecondsAgo = Double(UInt64(now) - position.milliseconds) / 1_000
        }
    }

    /// - Returns: what is known of each stream, and how many were read that the database does not know.
    private static func read(
        _ servers: GroupServers, _ streams: [StreamKey], _ readings: inout [SourceNumber: Conservation]
    ) throws -> (books: [(SourceBook, Conservation.Verdict)], unknown: Int) {
        let accounts = try servers.redis.accounts(of: streams, group: servers.group)
        var verdicts: [(SourceBook, Conservation.Verdict)] = []
        let books = try servers.books()
        for book in books {
            guard let account = accounts[book.stream] else { continue }
            let reading = Conservation.Reading(account, book)
            verdicts.append((book, readings[book.number, default: Conservation()].read(reading)))
        }
        let known = Set(books.map(\.stream))
        return (verdicts, accounts.count { $0.value.isDelivered && !known.contains($0.key) })
    }

    /// Such as `lost 0, audited up to 1735689600000-0 (3.2 s ago)`.
    var text: String {
        var text = "lost \(lost.map { Figures.count($0) } ?? "not known")"
        if uncountedStreams > 0 { text += " (\(uncountedStreams) streams cannot be counted)" }
        if isAuditedWhole, let auditedUpTo {
            text += ", audited whole, up to \(auditedUpTo)"
        } else if let auditedUpTo {
            let age = auditedSecondsAgo.map { " (\(Figures.age(.seconds($0))) ago)" } ?? ""
            text += ", audited up to \(auditedUpTo)\(age)"
        }
        if unknownStreams > 0 {
            text += "; the database does not know \(unknownStreams) streams that were read: is it the right one?"
        }
        if hasGoneBack {
            text += "; the database went back behind what was acknowledged: run `millrace reconcile`"
        }
        if trimmedUnread > 0 { text += "; trimmed before they were read: \(Figures.count(trimmedUnread))" }
        return text
    }
}
