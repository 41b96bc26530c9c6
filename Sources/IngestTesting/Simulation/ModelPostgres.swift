import IngestCore
import Records

/// As much of PostgreSQL as the design leans on: the ledger with its exclusion constraint and what waits for what,
/// commits whose reply is lost, backups.
struct ModelPostgres {
    struct Source {
        let number: SourceNumber
        let stream: Int
        let marker: String
        var isOpen = true
        /// Redis' replication id when it was opened.
        let server: Int
        /// `entries_added` as last seen.
        var entriesAdded: Int?
    }

    struct Stored {
        let source: SourceNumber
        let id: StreamID
        let payload: Int
    }

    struct LedgerRow: Equatable {
        let source: SourceNumber
        let row: FloorMerge.Row
    }

    /// What a backup holds.
    struct Database {
        var sources: [Source] = []
        var ledger: [LedgerRow] = []
        var rows: [Stored] = []
        var letters: [Stored] = []
        /// `ingest.destination`, and how often `reconcile` has run.
        var destination: DestinationCheck.Identity?
        var reconciliations = 0
    }

    struct Transaction {
        let number: Int
        let begunAt: Int
        var ledger: [LedgerRow] = []
        var deleted: [LedgerRow] = []
        var rows: [Stored] = []
        var letters: [Stored] = []
        var waitsFor: Int?
        /// COMMIT was sent and nobody listens: this happens, then.
        var decision: (at: Int, commits: Bool)?
    }

    enum Insertion: Equatable {
        case inserted, conflict, waits, deadlock
    }

    var committed = Database()
    var identity = DestinationCheck.Identity(system: 1, timeline: 1)
    /// A connection of another era is broken.
    var era = 1
    /// The advisory lock of each stream: its holder.
    var locks: [Int?]
    private(set) var transactions: [Transaction] = []
    /// Payloads that were committed at any time, by number.
    private(set) var wasStored: [Bool] = []
    private var nextNumber = 1

    init(streams count: Int) {
        locks = Array(repeating: nil, count: count)
    }

    // MARK: Queries

    func coverage(_ probes: [FenceProbe]) -> Coverage {
        Coverage(
            committed.ledger.lazy.filter { row in
                probes.contains { $0.source == row.source && $0.ids.overlaps(row.row.ids) }
            }.map { (source: $0.source, ids: $0.row.ids) })
    }

    func rows(of source: SourceNumber) -> [FloorMerge.Row] {
        committed.ledger.filter { $0.source == source }.map(\.row).sorted { $0.ids.lower < $1.ids.lower }
    }

    func openSource(of stream: Int) -> Source? {
        committed.sources.first { $0.stream == stream && $0.isOpen }
    }

    /// A new row of `ingest.source`; the open one, if any, is closed.
    mutating func open(stream: Int, marker: String, server: Int) -> SourceNumber {
        close(stream: stream)
        let number = SourceNumber(rawValue: Int32(committed.sources.count + 1))
        committed.sources.append(Source(number: number, stream: stream, marker: marker, server: server))
        return number
    }

    mutating func close(stream: Int) {
        for place in committed.sources.indices where committed.sources[place].stream == stream {
            committed.sources[place].isOpen = false
        }
    }

    mutating func note(entriesAdded: Int?, of number: SourceNumber) {
        guard let place = committed.sources.firstIndex(where: { $0.number == number }) else { return }
        committed.sources[place].entriesAdded = entriesAdded
    }

    mutating func reopen(_ number: SourceNumber, stream: Int) {
        close(stream: stream)
        guard let place = committed.sources.firstIndex(where: { $0.number == number }) else { return }
        committed.sources[place].isOpen = true
    }

    // MARK: Transactions

    mutating func begin(now: Int) -> Int {
        nextNumber += 1
        transactions.append(Transaction(number: nextNumber, begunAt: now))
        return nextNumber
    }

    func isOpen(_ number: Int) -> Bool { place(of: number) != nil }

    mutating func change(_ number: Int, _ body: (inout Transaction) -> Void) {
        guard let place = place(of: number) else { return }
        body(&transactions[place])
    }

    /// One row of `INSERT … ON CONFLICT DO NOTHING` into the ledger.
    /// - Parameter isChecked: `false` ignores committed rows, as a ledger without the constraint would.
    mutating func insert(_ row: LedgerRow, in number: Int, isChecked: Bool = true) -> Insertion {
        guard let place = place(of: number) else { return .conflict }
        let deleted = transactions[place].deleted
        if transactions[place].ledger.contains(where: { $0.collides(with: row) }) { return .conflict }
        for other in transactions where other.number != number && isChecked {
            let collides = other.ledger.contains { $0.collides(with: row) }
            guard collides || other.deleted.contains(where: { $0.collides(with: row) }) else { continue }
            transactions[place].waitsFor = other.number
            return waitsInCircle(from: number) ? .deadlock : .waits
        }
        transactions[place].waitsFor = nil
        if isChecked, committed.ledger.contains(where: { $0.collides(with: row) && !deleted.contains($0) }) {
            return .conflict
        }
        transactions[place].ledger.append(row)
        return .inserted
    }

    mutating func commit(_ number: Int) {
        guard let place = place(of: number) else { return }
        let done = transactions.remove(at: place)
        committed.ledger.removeAll { done.deleted.contains($0) }
        committed.ledger += done.ledger
        committed.rows += done.rows
        committed.letters += done.letters
        for stored in done.rows + done.letters { remember(stored.payload) }
    }

    private mutating func remember(_ payload: Int) {
        while wasStored.count <= payload { wasStored.append(false) }
        wasStored[payload] = true
    }

    mutating func rollBack(_ number: Int) {
        transactions.removeAll { $0.number == number }
    }

    /// What was in doubt is decided; who holds locks for too long is terminated.
    mutating func tick(now: Int, reaperAge: Int) {
        guard !transactions.isEmpty else { return }
        for transaction in transactions {
            if let decision = transaction.decision {
                guard decision.at <= now else { continue }
                if decision.commits { commit(transaction.number) } else { rollBack(transaction.number) }
            } else if now - transaction.begunAt > reaperAge {
                rollBack(transaction.number)
            }
        }
    }

    /// A backup takes the place of everything; all connections break.
    mutating func restore(_ backup: Database, timelineChanges: Bool) {
        committed = backup
        transactions = []
        for stream in locks.indices { locks[stream] = nil }
        era += 1
        if timelineChanges { identity.timeline += 1 }
    }

    private func place(of number: Int) -> Int? {
        transactions.firstIndex { $0.number == number }
    }

    private func waitsInCircle(from start: Int) -> Bool {
        var current = start
        for _ in transactions {
            guard let place = place(of: current), let next = transactions[place].waitsFor else { return false }
            if next == start { return true }
            current = next
        }
        return false
    }
}

extension ModelPostgres.LedgerRow {
    func collides(with other: Self) -> Bool {
        source == other.source && row.ids.overlaps(other.row.ids)
    }
}

extension ModelPostgres {
    /// Rows that a transaction has put into the ledger and not committed.
    func ledgerCount(of transaction: Int) -> Int {
        transactions.first { $0.number == transaction }?.ledger.count ?? 0
    }
}
