import BlockingExecutor
public import PostgresCopy
public import PostgresWire

/// Why a replay ended early. What was stored until then stays stored; the rest is open and can be tried again.
public struct ReplayFailure: Error, CustomStringConvertible, Sendable {
    /// One sentence without content of records.
    public let description: String
    /// The database's error, when that is what ended it.
    public let postgres: PostgresError?

    init(_ error: any Error) {
        description = "\(error)"
        if case .postgres(let cause, _)? = error as? LaneFailure {
            postgres = cause
        } else {
            postgres = error as? PostgresError
        }
    }

    init(_ words: String) {
        description = words
        postgres = nil
    }
}

/// Replays dead letters at an operator's word. See ``LetterReplay`` for what makes it exactly once.
///
/// Two walkers share the work page by page: while the server closes the letters of one, the other reads, decodes or
/// has its own closed.
public struct LetterReplayer: Sendable {
    /// How to replay.
    public struct Options: Sendable {
        /// Tries everything and keeps nothing.
        public var isDryRun = false
        /// Applied to every letter before it is tried, and kept as its edited fields.
        public var edits: [LetterEdit] = []
        /// Letters between two calls of `progress`, at most 5,000.
        public var pageLetters = LetterStore.pageLetters
        /// Who does it; kept with the letters.
        public var actor: String
        /// Letters written later than this time of ``LetterReplayer/now()`` are left out. `nil` is when it begins.
        public var moment: String?

        public init(actor: String) {
            self.actor = actor
        }
    }

    private let first: ReplayWalker
    private let second: ReplayWalker

    /// Connects. Mappings are checked against the database when a letter needs them.
    public init(_ settings: PipelineSettings) async throws(StartupFailure) {
        do throws(BlockingThread.CreationError) {
            first = try ReplayWalker(settings)
            second = try ReplayWalker(settings)
        } catch {
            throw .noThread(error)
        }
        try await first.open()
    }

    /// How many letters a replay would look at now.
    public func count(_ selection: LetterSelection) async throws(ReplayFailure) -> Int {
        do {
            return try await first.count(selection)
        } catch {
            throw ReplayFailure(error)
        }
    }

    /// The server's clock.
    public func now() async throws(ReplayFailure) -> String {
        do {
            return try await first.now()
        } catch {
            throw ReplayFailure(error)
        }
    }

    /// Tries the selected open letters, page by page in the order of their sources and ids, two pages at a time.
    /// Letters that come up meanwhile are left out, so that it ends.
    /// - Parameter progress: called after each page, never twice at once; it may block, which holds the replay up.
    ///   `false` ends the replay behind the pages that are in hand.
    public func run(
        _ selection: LetterSelection, _ options: Options,
        progress: @escaping @Sendable (ReplayTally) -> Bool = { _ in true }
    ) async throws(ReplayFailure) -> ReplayTally {
        do {
            var open = selection
            open.state = .open
            let moment = if let given = options.moment { given } else { try await first.now() }
            let cursor = ReplayCursor(open, upTo: moment, pageLetters: options.pageLetters, progress: progress)
            async let half: Void = first.walk(cursor, options)
            async let otherHalf: Void = second.walk(cursor, options)
            _ = try await (half, otherHalf)
            return cursor.tally
        } catch {
            throw ReplayFailure(error)
        }
    }
}
