import IngestCore
public import PostgresCopy
import PostgresWire
import Records
import RedisWire

/// Why a replay ended early. What was stored until then stays stored; the rest is open and can be tried again.
public struct ReplayFailure: Error, CustomStringConvertible, Sendable {
    /// One sentence without content of records.
    public let description: String

    init(_ error: any Error) {
        description = "\(error)"
    }
}

/// Replays dead letters at an operator's word. See ``LetterReplay`` for what makes it exactly once.
///
/// Blocks its thread; used from one thread at a time.
public final class LetterReplayer {
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

        public init(actor: String) {
            self.actor = actor
        }
    }

    let replay: LetterReplay
    private let references: ReferencedFields
    private let stop = StopSignal()
    private static let patience = Duration.seconds(30)

    /// Connects and checks every mapping against the database, as a worker does.
    public init(_ settings: PipelineSettings) throws(StartupFailure) {
        let postgres: PostgresConnection
        do throws(PostgresError) {
            postgres = try PostgresConnection.connect(
                to: settings.postgres, applicationName: "millrace/replay", deadline: .now + .seconds(10))
        } catch {
            throw .postgresUnreachable(settings.postgres, error)
        }
        let mappings = try Worker.check(settings.mappings, postgres)
        replay = LetterReplay(settings: settings, mappings: mappings, postgres: postgres, stop: stop)
        references = ReferencedFields(settings: settings)
    }

    /// How many letters a replay would look at now.
    public func count(_ selection: LetterSelection) throws(ReplayFailure) -> Int {
        do {
            return try replay.store.count(selection, deadline: .now + Self.patience)
        } catch {
            throw ReplayFailure(error)
        }
    }

    /// Tries the selected open letters, in the order of their sources and ids. Letters that come up meanwhile are left
    /// out, so that it ends.
    /// - Parameter progress: called after each page; `false` ends the replay there.
    public func run(
        _ selection: LetterSelection, _ options: Options, progress: (ReplayTally) -> Bool = { _ in true }
    ) throws(ReplayFailure) -> ReplayTally {
        var total = ReplayTally()
        do {
            var open = selection
            open.state = .open
            let moment = try replay.store.now(deadline: .now + Self.patience)
            var last: LetterKey?
            while true {
                let page = try replay.store.page(
                    of: open, after: last, upTo: moment, limit: min(options.pageLetters, LetterStore.pageLetters),
                    deadline: .now + Self.patience)
                guard let end = page.last?.key else { return total }
                total.add(try run(page, options))
                last = end
                guard progress(total) else { return total }
            }
        } catch {
            throw ReplayFailure(error)
        }
    }

    private func run(_ page: [OpenLetter], _ options: Options) throws -> ReplayTally {
        let store = replay.store
        var letters = try references.fill(page) { source in
            try store.incarnation(of: source, deadline: .now + Self.patience)
        }
        var elsewhere = 0
        if !options.edits.isEmpty {
            letters = letters.map { letter in
                var edited = letter
                edited.fields = letter.fields.flatMap { options.edits.applied(to: $0) } ?? letter.fields
                return edited
            }
            if !options.isDryRun {
                let changed = try store.edit(letters, by: options.actor, deadline: .now + Self.patience)
                elsewhere = letters.count - changed.count
                letters = changed
            }
        }
        var tally = try replay.run(
            letters, LetterReplay.Manner(actor: options.actor, isRehearsal: options.isDryRun))
        tally.elsewhere += elsewhere
        return tally
    }
}
