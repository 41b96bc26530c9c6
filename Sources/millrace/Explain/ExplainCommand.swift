import ArgumentParser
import IngestPipeline
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire
import Settings
import WorkerApp

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Where did this entry go: stream, ledger, batch, table, dead letter.",
        discussion: """
            Nothing is changed: the entry's row is looked for in a transaction that is rolled back. When that cannot be \
            done now (a mapping that does not fit, a locked table), the rest is told all the same.

            EXAMPLES
              millrace explain --stream md:trades --id 1690000000000-0
              millrace explain --stream md:trades --id 1690000000000-0 --json | jq -r .fate
            """)

    @Option(name: .long, help: ArgumentHelp("The stream.", valueName: "stream"))
    var stream: String

    @Option(name: .long, help: ArgumentHelp("The entry's id.", valueName: "id"))
    var id: IDArgument

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let key = StreamKey(stream)
        var facts = EntryFacts(stream: key, id: id.id)
        try facts.read(try Servers(loaded).redis(), group: loaded.settings.consumerGroup)
        let desk = try LetterDesk(loaded)
        try facts.read(desk)
        try facts.tryMapping(loaded)
        try output.isJSON ? Output.json(EntryReport(facts)) : EntryReport(facts).print()
    }
}

struct IDArgument: ExpressibleByArgument {
    let id: StreamID

    init?(argument: String) {
        guard let id = StreamID(argument) else { return nil }
        self.id = id
    }
}

/// Everything the servers say about one entry.
struct EntryFacts {
    let stream: StreamKey
    let id: StreamID
    var fields: [UInt8]?
    var isInStream = false
    var pending: PendingEntry?
    var isDelivered = false
    var wasGenerated = false
    var coverage: [CoverageFacts] = []
    /// Of every incarnation, the newest first.
    var letters: [ListedLetter] = []
    var trial: EntryTrial?
    /// Why there is no trial although there are fields.
    var trialProblem: String?

    init(stream: StreamKey, id: StreamID) {
        self.stream = stream
        self.id = id
    }

    mutating func read(_ redis: RedisConnection, group: String) throws(RedisError) {
        guard try redis.type(of: stream) == "stream" else { return }
        var block = EntryBlock()
        if try redis.range(of: stream, IDRange(id), count: 1, into: &block) == 1 {
            isInStream = true
            if block.record(0).body == .kept { fields = block.rawFields(0) }
        }
        if let facts = try redis.streamFacts(of: stream) { wasGenerated = facts.lastGeneratedID >= id }
        guard let own = try redis.groups(of: stream).first(where: { $0.name == group }) else { return }
        isDelivered = own.lastDeliveredID >= id
        pending = try redis.pending(of: stream, group: group, in: IDRange(id), count: 1).first
    }

    mutating func read(_ desk: LetterDesk) throws(PostgresError) {
        coverage = try LineageStore(desk.store.connection).coverage(
            of: id, in: stream, scope: desk.store.scope, deadline: LetterDesk.deadline)
        var selection = LetterSelection(state: nil)
        selection.names = [.init(id: id)]
        selection.streams = [stream]
        letters = try desk.store.list(selection, limit: 10, deadline: LetterDesk.deadline)
        guard fields == nil, let letter else { return }
        selection.names = [.init(source: letter.key.source, id: id)]
        fields = try desk.store.details(selection, limit: 1, deadline: LetterDesk.deadline).first?.fields
    }

    /// What the configuration makes of the fields. A mapping that cannot be tried hides none of the other facts.
    mutating func tryMapping(_ loaded: LoadedSettings) throws(CommandFailure) {
        guard let fields else { return }
        let servers = Servers(loaded)
        let settings = PipelineSettings(
            loaded.settings, redis: try servers.redisEndpoint(), postgres: try servers.postgresEndpoint())
        do {
            trial = try EntryTrial(of: id, in: stream, fields: fields, settings)
        } catch {
            trialProblem = "\(error)"
        }
    }

    /// The incarnation whose entry this is: the present one, if that has the entry, or the stream has it now; or else
    /// the newest that had one of this id.
    private var source: SourceNumber? {
        let withLetter = Set(letters.map(\.key.source))
        let having = coverage.filter { $0.range != nil || withLetter.contains($0.source) }
        let present = having.first(where: \.isOpen)
        return isInStream || pending != nil ? present?.source : (present ?? having.first)?.source
    }

    /// What the ledger has of that incarnation.
    var covering: CoverageFacts? { coverage.first { $0.range != nil && $0.source == source } }

    /// The letter of that incarnation.
    var letter: ListedLetter? { letters.first { $0.key.source == source } }

    var fate: EntryFate {
        var facts = EntryFate.Facts()
        facts.isCovered = covering != nil
        facts.batch = covering?.batch
        facts.letterState = letter?.state.word
        facts.isInStream = isInStream
        facts.pendingConsumer = pending?.consumer
        facts.isDelivered = isDelivered
        facts.wasGenerated = wasGenerated
        return EntryFate(facts)
    }
}
