import PostgresCopy
import PostgresWire

/// A change to many letters: page by page, until none is left or somebody interrupts it.
struct LetterWork {
    private let verb: String
    private let total: Int
    private static let again = "run it again: it goes on with the rest"

    /// - Parameters:
    ///   - verb: for the progress line, such as `removed`.
    ///   - total: how many letters there are.
    init(_ verb: String, total: Int) {
        self.verb = verb
        self.total = total
    }

    /// - Returns: how many letters were changed.
    func make(
        _ change: LetterChange, of selection: LetterSelection, in store: LetterStore
    ) throws(CommandFailure) -> Int {
        Interruption.watch()
        var progress = Progress(verb, total: Int64(total))
        defer { progress.finish() }
        var done = 0
        do throws(PostgresError) {
            var sweep = try LetterSweep(change, of: selection, in: store, deadline: LetterDesk.deadline)
            while !Interruption.isAsked, let count = try sweep.next(deadline: LetterDesk.deadline) {
                done += count
                progress.update(Int64(done))
            }
        } catch {
            throw failure(error, after: done)
        }
        return done
    }

    /// Nobody can tell what became of the page in hand when its answer did not come.
    private func failure(_ error: PostgresError, after done: Int) -> CommandFailure {
        var failure = Servers.failure(error)
        failure.message += "; \(verb): \(Figures.count(done))"
        if error.kind != .server { failure.message += ", and up to \(Figures.count(LetterStore.pageLetters)) more" }
        failure.fix = failure.fix ?? Self.again
        return failure
    }

    /// - Throws: when somebody interrupted the work.
    static func requireEnd() throws(CommandFailure) {
        if Interruption.isAsked { throw CommandFailure("stopped before the end", fix: again) }
    }
}
