import IngestCore
import PostgresCopy
import RecordCodec
import Records

/// What came of a page.
struct ReplayOutcome {
    let tally: ReplayTally
    /// Letters of which nothing was recorded: they are as they were.
    let untried: [LetterKey]
    /// Why it ended early.
    let failure: LaneFailure?
}

/// A page under way: what is known of its letters so far. A value without I/O.
struct ReplayJob {
    let manner: LetterReplay.Manner
    private let letters: [LetterKey]
    var page: ReplayPage?
    /// Letters that cannot even be tried.
    var unfit: [(letter: OpenLetter, refusal: Refusal)] = []
    var tally = ReplayTally()
    /// Why the page ended early.
    var failure: LaneFailure?
    private var settled: Set<LetterKey> = []
    private var refused: [Int: Refusal] = [:]
    /// Closed or edited by somebody else.
    private var closed: Set<Int> = []
    private var retries = 0

    init(letters: [OpenLetter], manner: LetterReplay.Manner) {
        self.letters = letters.map(\.key)
        self.manner = manner
    }

    var outcome: ReplayOutcome {
        ReplayOutcome(tally: tally, untried: letters.filter { !settled.contains($0) }, failure: failure)
    }

    var isCounted: Bool { manner.schedule != nil }

    /// The entry is not to be encoded (again).
    func isSettled(_ entry: Int) -> Bool { closed.contains(entry) || refused[entry] != nil }
    func isClosed(_ entry: Int) -> Bool { closed.contains(entry) }

    mutating func refuse(_ entry: Int, _ refusal: Refusal) { refused[entry] = refusal }

    mutating func close(_ entries: [Int]) {
        tally.elsewhere += entries.count
        closed.formUnion(entries)
        if let page { settle(entries.map { page.letters[$0].key }) }
    }

    /// What became of these letters is recorded.
    mutating func settle(_ letters: [LetterKey]) { settled.formUnion(letters) }

    /// The rest of these entries waits for a table.
    mutating func hold(_ entries: Range<Int>, _ table: String, _ reason: String) {
        let waiting = entries.filter { index in page.map { !settled.contains($0.letters[index].key) } ?? false }
        tally.hold(waiting.count, table, reason)
    }

    /// Counts a failure that may pass.
    mutating func mayRetry(upTo limit: Int) -> Bool {
        guard retries < min(limit, Pipeline.retryLimit) else { return false }
        retries += 1
        return true
    }

    mutating func count(_ attempts: [FailedAttempt]) {
        for attempt in attempts {
            tally.fail(
                attempt.key.id, attempt.rejection, constraint: attempt.constraint, fingerprint: attempt.fingerprint)
        }
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
