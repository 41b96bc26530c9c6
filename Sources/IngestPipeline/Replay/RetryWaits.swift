import IngestCore
import PostgresCopy
import Records

/// When letters come up again that could not be tried: later and later, by source, because a table that takes no rows,
/// or a stream that no mapping names, may have a hundred thousand of them. A value.
struct RetryWaits {
    private struct Wait {
        var backoff = Backoff(base: .seconds(15), cap: .seconds(300))
        var pause = Duration.zero
        var end: ContinuousClock.Instant?
    }

    private var waits: [SourceNumber: Wait] = [:]

    /// The pause for letters of a source that were just given back. Those of one round, which come in many turns, wait
    /// alike.
    mutating func pause(of source: SourceNumber, now: ContinuousClock.Instant) -> Duration {
        var wait = waits[source] ?? Wait()
        if wait.end.map({ now >= $0 }) ?? true {
            wait.pause = wait.backoff.failed(jitter: 1)
            wait.end = now + wait.pause
        }
        waits[source] = wait
        return wait.pause
    }

    /// Letters of these sources could be tried: the next pause is short again.
    mutating func tried(_ letters: [LetterKey], except untried: [LetterKey]) {
        let vain = Set(untried.map(\.source))
        for letter in letters where !vain.contains(letter.source) { waits[letter.source] = nil }
    }
}
