import IngestCore
import PostgresCopy
import Records

/// The dead letters of one transaction, within what one transaction may hold.
struct LetterBox {
    private let settings: PipelineSettings
    private var inlineBytes = 0
    private(set) var letters: [DeadLetter] = []

    /// - Parameter letters: those that the transaction has already.
    init(settings: PipelineSettings, letters: [DeadLetter] = []) {
        self.settings = settings
        self.letters = letters
        inlineBytes = letters.reduce(0) { $0 + $1.inlineBytes }
    }

    /// Adds an entry of a block, its fields byte for byte, or by reference when they are too large to keep.
    /// - Returns: `false` when it does not fit any more.
    mutating func add(
        _ index: Int, _ refusal: Refusal, of held: HeldBlock, _ source: SourceNumber, _ stream: StreamKey
    ) -> Bool {
        let record = held.block.record(index)
        let content: DeadLetter.Content
        switch record.body {
        case .skipped(let byteCount):
            content = .reference(byteCount: byteCount)
        case .deleted:
            content = .reference(byteCount: 0)
        case .kept where Int(record.raw.length) > settings.deadLetterBytes:
            content = .reference(byteCount: Int(record.raw.length))
        case .kept:
            content = .fields(held.block.rawFields(index))
        }
        var letter = DeadLetter(
            source: source, id: record.id, stream: stream, content: content, rejection: refusal.rejection)
        letter.constraint = refusal.constraint
        letter.detail = refusal.detail
        if refusal.mayHeal {
            letter.retryAfter = settings.retry.pause(afterAttempts: 0, jitter: Double.random(in: 0...1))
        }
        return add(letter)
    }

    /// Adds an entry that was deleted or trimmed before it could be read: nothing is left of it but its id.
    mutating func add(deleted id: StreamID, _ source: SourceNumber, _ stream: StreamKey) -> Bool {
        add(
            DeadLetter(
                source: source, id: id, stream: stream, content: .reference(byteCount: 0),
                rejection: Rejection(.deleted)))
    }

    private mutating func add(_ letter: DeadLetter) -> Bool {
        let bytes = letter.inlineBytes
        let fits =
            letters.count < CommitUnit.letterLimit
            && (letters.isEmpty || inlineBytes + bytes <= CommitUnit.letterBytesLimit)
        guard fits else { return false }
        letters.append(letter)
        inlineBytes += bytes
        return true
    }
}
