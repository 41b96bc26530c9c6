import IngestCore
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire
import Waitpoints

/// A lane's connection to Redis and what it is used for. Every call has a deadline.
final class RedisSession {
    let connection: RedisConnection
    private let group: String
    private let consumer: String
    private let keys: ControlKeys
    private let claimMethod: ClaimMethod
    /// Which server this is; it changes with a failover.
    let replicationID: String?
    private var reader: StreamReader
    /// The highest acknowledged id of each source that is noted: by anybody at the last look, by this lane since. What is
    /// acknowledged later may be lower, and must not take its place.
    private var noted: [SourceNumber: StreamID] = [:]
    /// Acknowledged while the server was too full for the note: it goes as soon as the server takes it.
    private var owed: [SourceNumber: StreamID] = [:]
    /// A refill acknowledges what the database has, from the lowest id on: as a note that would say that the database
    /// need not have more.
    private let takesNotes: Bool

    /// - Parameter isRefilling: acknowledged ids are not noted.
    init(connecting worker: WorkerContext, consumer: String, isRefilling: Bool) throws(RedisError) {
        let settings = worker.settings
        connection = try RedisConnection.connect(
            to: settings.redis, name: "millrace/\(consumer)", limits: ReplyLimits(keptBytes: settings.replyBytes))
        group = settings.group
        self.consumer = consumer
        takesNotes = !isRefilling
        keys = ControlKeys(group: settings.group)
        let server = try connection.serverFacts()
        claimMethod = server.claimMethod
        replicationID = server.masterReplicationID
        reader = StreamReader(group: settings.group, consumer: consumer)
        // From here on acknowledgements are guarded: the epoch is watched.
        _ = try reader.acknowledge(CommandBuffer(), on: connection)
        _ = try acknowledged()
    }

    func close() { connection.close() }

    // MARK: Reading

    enum ReadOutcome {
        /// The block holds what came, perhaps nothing; with the epoch token read behind it.
        case entries(token: [UInt8]?)
        case missingGroup([StreamKey])
        case wrongType([StreamKey])
    }

    /// One write: the acknowledgements that are ready, XREADGROUP, and the epoch token.
    func read(
        _ request: ReadPlan.Request, block: Duration?, into held: HeldBlock,
        acknowledging queue: inout AcknowledgementQueue, of sources: SourceMap
    ) throws(RedisError) -> ReadOutcome {
        if !queue.isEmpty { Waitpoint.beforeAck.reach() }
        let outgoing = outgoing(queue.send(), sources)
        let result: StreamReader.Result
        do throws(RedisError) {
            result = try reader.read(
                request.streams, count: request.count, wait: block, acknowledgements: outgoing.commands,
                on: connection, into: &held.block)
        } catch {
            queue.fail()
            throw error
        }
        try confirm(&queue, result.acknowledgements, noting: outgoing.note, of: sources)
        switch result.outcome {
        case .nothing, .entries: return .entries(token: result.epoch)
        case .missingGroup(let candidates): return .missingGroup(candidates)
        case .wrongType: return .wrongType(try notStreams(among: request.streams))
        case .refused(let error): throw .server(error)
        }
    }

    private func notStreams(among keys: [StreamKey]) throws(RedisError) -> [StreamKey] {
        var found: [StreamKey] = []
        for key in keys {
            let type = try connection.type(of: key)
            if type != "stream", type != "none" { found.append(key) }
        }
        return found
    }

    /// Sends the acknowledgements that are ready without reading anything.
    /// - Returns: the epoch token that is in force now.
    func acknowledge(
        _ queue: inout AcknowledgementQueue, of sources: SourceMap
    ) throws(RedisError) -> [UInt8]? {
        if !queue.isEmpty { Waitpoint.beforeAck.reach() }
        let outgoing = outgoing(queue.send(), sources)
        guard !outgoing.commands.isEmpty else {
            queue.confirm()
            return sources.token
        }
        let answered = try reader.acknowledge(outgoing.commands, on: connection)
        try confirm(&queue, answered.acknowledgements, noting: outgoing.note, of: sources)
        return answered.epoch
    }

    /// XACK of everything that is ready, and a note of the highest id of each source: after a restore of the database
    /// these ids tell that it went back.
    private func outgoing(
        _ ready: [Acknowledgement], _ sources: SourceMap, withNote: Bool = true
    ) -> (commands: CommandBuffer, note: [SourceNumber: StreamID]) {
        var commands = CommandBuffer()
        var note = owed
        for acknowledgement in ready {
            guard let stream = sources.stream(acknowledgement.source) else { continue }
            commands.appendAcknowledge(stream: stream, group: group, ids: acknowledgement.ids)
            if takesNotes, let id = acknowledgement.highest, id > noted[acknowledgement.source] ?? .min {
                note[acknowledgement.source] = max(id, note[acknowledgement.source] ?? .min)
            }
        }
        if withNote { RedisConnection.noteAcknowledged(note, group: group, to: &commands) }
        return (commands, note)
    }

    private func confirm(
        _ queue: inout AcknowledgementQueue, _ answered: StreamReader.Acknowledgements,
        noting note: [SourceNumber: StreamID], of sources: SourceMap
    ) throws(RedisError) {
        switch answered {
        case .done:
            queue.confirm()
            noted.merge(note) { max($0, $1) }
            owed = [:]
        // The epoch changed since the last look: these may be other entries by now.
        case .epochChanged: queue.fail()
        case .refused(let error) where error.isMissingGroup: queue.confirm()
        case .refused(let error) where error.code == "OOM":
            try acknowledgeWhileFull(&queue, of: sources)
        case .refused(let error):
            queue.fail()
            throw .server(error)
        }
    }

    /// A server at `maxmemory` takes nothing into a transaction, not even XACK, which frees memory. So acknowledgements go
    /// without their guard, right behind a look at the epoch: making a group anew takes several writes that a full server
    /// refuses, so that nobody does it in between. The note of the highest ids is a write, too, and waits.
    private func acknowledgeWhileFull(
        _ queue: inout AcknowledgementQueue, of sources: SourceMap
    ) throws(RedisError) {
        // Only what is owed was refused.
        guard !queue.isEmpty else { return }
        queue.fail()
        guard let token = sources.token, try epoch() == token else { return }
        let outgoing = outgoing(queue.send(), sources, withNote: false)
        let replies: [RedisValue]
        do throws(RedisError) {
            replies = try connection.pipeline(outgoing.commands)
        } catch {
            queue.fail()
            throw error
        }
        guard replies.allSatisfy({ $0.error == nil }) else { return queue.fail() }
        queue.confirm()
        owed = outgoing.note
    }

    // MARK: Pending entries

    func pendingSummaries(of streams: [StreamKey]) throws(RedisError) -> [StreamKey: PendingSummary] {
        try connection.pendingSummaries(of: streams, group: group)
    }

    func pendingIDs(
        of stream: StreamKey, consumer: String, from first: StreamID, count: Int
    ) throws(RedisError) -> [StreamID] {
        try connection.pending(
            of: stream, group: group, in: IDRange(first, .max), count: count, consumer: consumer
        ).map(\.id)
    }

    func claim(_ ids: [StreamID], of stream: StreamKey, minIdle: Duration) throws(RedisError) -> [StreamID] {
        try connection.claim(ids, of: stream, group: group, to: consumer, minimumIdle: minIdle)
    }

    func claimPage(
        of stream: StreamKey, minIdle: Duration, from cursor: StreamID, count: Int
    ) throws(RedisError) -> ClaimPage {
        try connection.claimPage(
            of: stream, group: group, to: consumer, idle: minIdle, from: cursor, count: count, method: claimMethod)
    }

    /// Reads bodies into the block, and the epoch token behind them. In between the group is asked for: XRANGE answers
    /// also when the group, and with it the claim, is gone.
    func bodies(
        of stream: StreamKey, _ range: IDRange, count: Int, into held: HeldBlock
    ) throws(RedisError) -> (count: Int, token: [UInt8]?) {
        let found = try connection.range(
            of: stream, range, count: count, into: &held.block, timeout: count == 1 ? PageSize.lonePatience : nil)
        _ = try connection.pendingSummary(of: stream, group: group)
        return (found, try connection.epoch(group: group))
    }

    func release(_ ids: [StreamID], of stream: StreamKey) throws(RedisError) {
        try connection.release(ids, of: stream, group: group)
    }

    // MARK: Identity

    struct StreamState {
        /// The key holds something else than a stream.
        var isNoStream: Bool
        var stream: IncarnationDecision.StreamFacts?
        var group: IncarnationDecision.GroupFacts?
    }

    func epoch() throws(RedisError) -> [UInt8]? { try connection.epoch(group: group) }

    /// What Redis knows of each stream and its group.
    func identities(of streams: [StreamKey]) throws(RedisError) -> [StreamKey: StreamState] {
        try connection.identities(of: streams, group: group).mapValues(StreamState.init)
    }

    /// Keeps the server from giving out ids again that are stored already.
    func advance(_ stream: StreamKey, to id: StreamID) throws(RedisError) {
        try connection.command("XSETID", .key(stream), .id(id))
    }

    /// The lowest ids that the stream still has.
    func firstIDs(of stream: StreamKey, count: Int) throws(RedisError) -> [StreamID] {
        var block = EntryBlock()
        let found = try connection.range(of: stream, IDRange(.min, .max), count: count, into: &block)
        return (0..<found).map { block.id($0) }
    }

    /// Announces that groups change.
    func setEpoch(onlyIfMissing: Bool) throws(RedisError) {
        let token = Array(HexUUID.random().digits.utf8)
        try connection.setEpoch(token, group: group, onlyIfMissing: onlyIfMissing)
    }

    func makeGroup(
        _ stream: StreamKey, marker: HexUUID, at repair: IncarnationDecision.GroupRepair
    ) throws(RedisError) {
        switch repair {
        case .create: try connection.createGroup(group, of: stream)
        case .rewind: try connection.rewindGroup(group, of: stream)
        }
        try mark(stream, marker)
    }

    func mark(_ stream: StreamKey, _ marker: HexUUID) throws(RedisError) {
        guard let marker = IncarnationMarker(uuid: marker.digits) else { return }
        try connection.mark(marker, in: group, of: stream)
    }

    /// Forgets what was acknowledged to an earlier state of the database.
    func forgetAcknowledged() throws(RedisError) {
        try connection.command("DEL", .key(keys.acknowledged))
        try connection.forgetUpkeep(group: group)
    }

    func acknowledged() throws(RedisError) -> [SourceNumber: StreamID] {
        noted = try connection.acknowledgedIDs(group: group)
        owed = [:]
        return noted
    }
}

extension RedisSession.StreamState {
    init(_ identity: StreamIdentity) {
        isNoStream = identity.isNoStream
        stream = identity.stream.map {
            IncarnationDecision.StreamFacts(lastGenerated: $0.lastGeneratedID, entriesAdded: $0.entriesAdded)
        }
        group = identity.group.map { facts in
            IncarnationDecision.GroupFacts(
                markers: identity.markers.compactMap { HexUUID($0.uuid)?.digits },
                lastDelivered: facts.lastDeliveredID, pendingMin: identity.lowestPending)
        }
    }
}
