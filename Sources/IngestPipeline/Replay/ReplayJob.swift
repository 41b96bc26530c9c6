import IngestCore
import PostgresCopy
import RecordCodec
import Records

/// A page under way: what is known of its letters so far. A value without I/O.
struct ReplayJob {
    let manner: LetterReplay.Manner
    var page: ReplayPage?
    /// Letters that cannot even be tried.
    var unfit: [(letter: OpenLetter, refusal: Refusal)] = []
    var tally = ReplayTally()
    private var refused: [Int: Refusal] = [:]
    /// Closed or edited by somebody else.
    private var closed: Set<Int> = []
    private var retries = 0

    init(manner: LetterReplay.Manner) {
        self.manner = manner
    }

    var isCounted: Bool { manner.schedule != nil }

    /// The entry is not to be encoded (again).
    func isSettled(_ entry: Int) -> Bool { closed.contains(entry) || refused[entry] != nil }
    func isClosed(_ entry: Int) -> Bool { closed.contains(entry) }

    mutating func refuse(_ entry: Int, _ refusal: Refusal) { refused[entry] = refusal }

    mutating func close(_ entries: [Int]) {
        tally.elsewhere += entries.count
        closed.formUnion(entries)
    }

    /// Counts a failure that may pass.
    mutating func mayRetry(upTo limit: Int) -> Bool {
        guard retries < min(limit, Pipeline.retryLimit) else { return false }
        retries += 1
        return true
    }

    mutating func count(_ attempt: FailedAttempt) {
        tally.fail(
            attempt.key.id, attempt.rejection, constraint: attempt.constraint, fingerprint: attempt.fingerprint)
    }

    /// What a transaction over these entries says about each of them.
    func verdicts(on range: Range<Int>, _ page: ReplayPage, _ rejected: [RejectedEntry]) -> LetterVerdicts {
        var refusals: [Int: Refusal] = [:]
        for entry in rejected { refusals[entry.index] = Refusal(entry.rejection) }
        var verdicts = LetterVerdicts(actor: manner.actor, batch: .random(), isCounted: isCounted)
        for index in range where !closed.contains(index) {
            let letter = page.letters[index]
            if let refusal = refused[index] ?? refusals[index] {
                verdicts.failed.append((failure(letter, refusal), letter.edits))
            } else {
                verdicts.stored.append((letter.key, letter.edits))
            }
        }
        return verdicts
    }

    func failure(_ letter: OpenLetter, _ refusal: Refusal) -> FailedAttempt {
        FailedAttempt(
            key: letter.key, rejection: refusal.rejection, constraint: refusal.constraint, detail: refusal.detail,
            next: next(letter, refusal))
    }

    private func next(_ letter: OpenLetter, _ refusal: Refusal) -> FailedAttempt.Next {
        guard refusal.mayHeal else { return .never }
        guard let schedule = manner.schedule else { return .unchanged }
        let jitter = Double.random(in: 0...1)
        return schedule.pause(afterAttempts: letter.attempts, jitter: jitter).map { .after($0) } ?? .never
    }
}
