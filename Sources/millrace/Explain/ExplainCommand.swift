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
            Nothing is changed: the entry's row is looked for in a transaction that is rolled back.

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
        if let fields = facts.fields { facts.trial = try Self.trial(loaded, id.id, key, fields) }
        try output.isJSON ? Output.json(EntryReport(facts)) : EntryReport(facts).print()
    }

    private static func trial(
        _ loaded: LoadedSettings, _ id: StreamID, _ stream: StreamKey, _ fields: [UInt8]
    ) throws -> EntryTrial {
        let servers = Servers(loaded)
        let settings = PipelineSettings(
            loaded.settings, redis: try servers.redisEndpoint(), postgres: try servers.postgresEndpoint())
        do {
            return try EntryTrial(of: id, in: stream, fields: fields, settings)
        } catch let error as StartupFailure {
            throw CommandFailure("\(error)", status: ExitStatus.badConfiguration)
        } catch let error as ReplayFailure {
            throw CommandFailure("the entry cannot be tried: \(error)")
        }
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
    var letters: [LetterDetails] = []
    var trial: EntryTrial?

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
        letters = try desk.store.details(selection, limit: 10, deadline: LetterDesk.deadline)
        if fields == nil { fields = letters.first?.fields }
    }

    /// The present incarnation decides; an entry of an earlier one is explained by that.
    var covering: CoverageFacts? { coverage.first { $0.range != nil } }

    var fate: EntryFate {
        var facts = EntryFate.Facts()
        facts.isCovered = covering != nil
        facts.batch = covering?.batch
        facts.letterState = letters.first?.letter.state.word
        facts.isInStream = isInStream
        facts.pendingConsumer = pending?.consumer
        facts.isDelivered = isDelivered
        facts.wasGenerated = wasGenerated
        return EntryFate(facts)
    }
}
