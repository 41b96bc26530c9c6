import BlockingExecutor
import IngestCore
import PostgresCopy
import PostgresWire
import Records

/// Replays page after page of letters, on a thread and a connection of its own.
actor ReplayWalker {
    static let patience = Duration.seconds(30)

    private nonisolated let thread: BlockingThread
    private let settings: PipelineSettings
    private let references: ReferencedFields
    private var replay: LetterReplay?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ settings: PipelineSettings) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "replay")
        self.settings = settings
        references = ReferencedFields(settings: settings)
    }

    /// How many letters a replay would look at now.
    func count(_ selection: LetterSelection) throws -> Int {
        try connect().store.count(selection, deadline: .now + Self.patience)
    }

    /// The server's clock.
    func now() throws -> String {
        try connect().store.now(deadline: .now + Self.patience)
    }

    /// Takes pages until there are none. When it fails, the others stop behind the page they have in hand.
    func walk(_ cursor: ReplayCursor, _ options: LetterReplayer.Options) throws {
        do {
            let replay = try connect()
            while case let page = try cursor.next(replay.store), !page.isEmpty {
                let outcome = try run(page, options, replay, cursor)
                cursor.add(outcome.tally)
                if let failure = outcome.failure { throw failure }
            }
        } catch {
            cursor.end()
            throw error
        }
    }

    /// Connects.
    func open() throws(StartupFailure) {
        _ = try connect()
    }

    private func connect() throws(StartupFailure) -> LetterReplay {
        if let replay { return replay }
        let replay = try LetterReplay(connecting: settings)
        self.replay = replay
        return replay
    }

    private func run(
        _ page: [OpenLetter], _ options: LetterReplayer.Options, _ replay: LetterReplay, _ cursor: ReplayCursor
    ) throws -> ReplayOutcome {
        let store = replay.store
        var letters = try references.fill(page) { source in
            try store.incarnation(of: source, deadline: .now + Self.patience)
        }
        if !options.edits.isEmpty {
            letters = letters.map { letter in
                var edited = letter
                edited.fields = letter.fields.flatMap { options.edits.applied(to: $0) } ?? letter.fields
                return edited
            }
            if !options.isDryRun {
                let changed = try store.edit(letters, by: options.actor, deadline: .now + Self.patience)
                cursor.leaveOut(letters.count - changed.count)
                letters = changed
            }
        }
        return replay.run(letters, LetterReplay.Manner(actor: options.actor, isRehearsal: options.isDryRun))
    }
}

extension LetterReplay {
    /// For commands: a connection of its own.
    convenience init(connecting settings: PipelineSettings) throws(StartupFailure) {
        do throws(PostgresError) {
            let postgres = try PostgresConnection.connect(
                to: settings.postgres, applicationName: "millrace/replay", deadline: .now + .seconds(10))
            try self.init(settings: settings, postgres: postgres)
        } catch {
            throw .postgresUnreachable(settings.postgres, error)
        }
    }
}
