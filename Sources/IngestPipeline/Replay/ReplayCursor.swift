import PostgresCopy
import PostgresWire
import Records
import Synchronization

/// Where a replay is: its walkers take pages here, and tell what became of them.
final class ReplayCursor: Sendable {
    private struct Position {
        var last: LetterKey?
        var isAtEnd = false
    }

    private let selection: LetterSelection
    /// Letters written later are left out, so that the replay ends.
    private let moment: String
    private let pageLetters: Int
    private let progress: @Sendable (ReplayTally) -> Bool
    private let position = Mutex(Position())
    private let sum = Mutex(ReplayTally())

    init(
        _ selection: LetterSelection, upTo moment: String, pageLetters: Int,
        progress: @escaping @Sendable (ReplayTally) -> Bool
    ) {
        self.selection = selection
        self.moment = moment
        self.pageLetters = min(pageLetters, LetterStore.pageLetters)
        self.progress = progress
    }

    var tally: ReplayTally { sum.withLock { $0 } }

    /// The next page, read by the caller's connection while the others wait for theirs; empty at the end.
    func next(_ store: LetterStore) throws(PostgresError) -> [OpenLetter] {
        try position.withLock { position throws(PostgresError) in
            guard !position.isAtEnd else { return [] }
            let page = try store.page(
                of: selection, after: position.last, upTo: moment, limit: pageLetters,
                deadline: .now + ReplayWalker.patience)
            position.last = page.last?.key
            position.isAtEnd = page.isEmpty
            return page
        }
    }

    /// Adds what a page came to. Who watches the progress may hold everybody up here, or end the replay.
    func add(_ page: ReplayTally) {
        let goesOn = sum.withLock { sum in
            sum.add(page)
            return progress(sum)
        }
        if !goesOn { end() }
    }

    /// Letters of a page that somebody else closed or edited before they were tried.
    func leaveOut(_ count: Int) {
        sum.withLock { $0.elsewhere += count }
    }

    /// No more pages: what is in hand is finished.
    func end() {
        position.withLock { $0.isAtEnd = true }
    }
}
