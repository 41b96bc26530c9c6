public import Records
public import RedisWire

/// Reads new entries: one write of acknowledgements, XREADGROUP and the epoch's GET, and their replies in order.
///
/// Acknowledgements go as `MULTI … EXEC`, guarded by a `WATCH` of the epoch that the read before them made: if a group
/// was made anew since, the same id may be another entry by now, and Redis refuses them as a whole.
///
/// One for each lane; it holds no connection, so it outlives them, only its memory for the request.
public struct StreamReader: Sendable {
    /// What a read brought.
    public struct Result: Equatable, Sendable {
        public var acknowledgements: Acknowledgements
        public var outcome: Outcome
        /// The group's epoch when the read was done. A token other than the one that the sources were resolved with
        /// (`nil` counts) means: resolve every source again before planning.
        public var epoch: [UInt8]?
    }

    /// What became of the acknowledgements in front of a read.
    public enum Acknowledgements: Equatable, Sendable {
        /// All were done (or there were none); so many of their ids were still pending.
        case done(Int)
        /// None was done: the epoch has changed since the last read.
        case epochChanged
        /// At least one was refused.
        case refused(ServerError)
    }

    public enum Outcome: Equatable, Sendable {
        /// Nothing came in time.
        case nothing
        /// The block holds so many entries, one run for each stream that had any.
        case entries(Int)
        /// The group, or the stream, is not there; entries of the other streams were not returned either. The server
        /// names the stream in words only: these are the streams it can mean, nearly always one.
        case missingGroup(candidates: [StreamKey])
        /// One of the streams is a key of another type; the server does not say which. TYPE tells.
        case wrongType
        /// Any other refusal, such as `NOPERM` or `LOADING`.
        case refused(ServerError)
    }

    public let group: String
    public let consumer: String
    private let epochKey: StreamKey
    private var request = CommandBuffer()

    public init(group: String, consumer: String) {
        self.group = group
        self.consumer = consumer
        epochKey = ControlKeys(group: group).epoch
    }

    /// Reads entries that were never delivered to this group.
    /// - Parameters:
    ///   - streams: at least one, each with the group.
    ///   - count: entries of each stream at most.
    ///   - wait: how long to wait for the first entry; `nil` does not wait. Never for ever: a silent server would hold
    ///     the lane. Rounded up to milliseconds.
    ///   - acknowledgements: XACKs of former batches, sent in front.
    ///   - block: filled anew.
    /// - Throws: ``RedisError`` of transport only; the connection is then closed. What the lost reply delivered is in
    ///   this consumer's pending list, and the acknowledgements may or may not have been done.
    public mutating func read(
        _ streams: [StreamKey], count: Int, wait: Duration?, acknowledgements: CommandBuffer = CommandBuffer(),
        on connection: RedisConnection, into block: inout EntryBlock
    ) throws(RedisError) -> Result {
        request.removeAll()
        Self.writeAcknowledgements(acknowledgements, to: &request)
        writeRead(streams, count: count, wait: wait)
        request.append("WATCH", .key(epochKey))
        request.append("GET", .key(epochKey))
        let deadline = connection.commandDeadline + (wait ?? .zero)
        try connection.send(request, by: deadline)
        let acknowledged = try Self.readAcknowledgements(acknowledgements, on: connection, by: deadline)
        let outcome = try outcome(
            connection.readEntries(.streams, into: &block, by: deadline), of: streams)
        _ = try connection.readValue(by: deadline).checked()
        let epoch = try connection.readValue(by: deadline)
        return Result(acknowledgements: acknowledged, outcome: outcome, epoch: epoch.bytes)
    }

    /// Sends acknowledgements without reading entries.
    /// - Returns: what became of them, and the epoch from which on the next ones are guarded: as behind a read, another
    ///   token than the sources were resolved with means to resolve them again before anything is acknowledged.
    public func acknowledge(
        _ acknowledgements: CommandBuffer, on connection: RedisConnection
    ) throws(RedisError) -> (acknowledgements: Acknowledgements, epoch: [UInt8]?) {
        var request = CommandBuffer()
        Self.writeAcknowledgements(acknowledgements, to: &request)
        // EXEC ends the guard; the next acknowledgements want one too.
        request.append("WATCH", .key(epochKey))
        request.append("GET", .key(epochKey))
        let deadline = connection.commandDeadline
        try connection.send(request, by: deadline)
        let acknowledged = try Self.readAcknowledgements(acknowledgements, on: connection, by: deadline)
        _ = try connection.readValue(by: deadline).checked()
        return (acknowledged, try connection.readValue(by: deadline).bytes)
    }

    private static func writeAcknowledgements(_ acknowledgements: CommandBuffer, to request: inout CommandBuffer) {
        guard !acknowledgements.isEmpty else { return }
        request.append("MULTI")
        request.append(contentsOf: acknowledgements)
        request.append("EXEC")
    }

    private static func readAcknowledgements(
        _ acknowledgements: CommandBuffer, on connection: RedisConnection, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> Acknowledgements {
        guard !acknowledgements.isEmpty else { return .done(0) }
        // MULTI and what it queues answer `OK` and `QUEUED`; a refusal there makes EXEC refuse, too.
        var refusal: ServerError?
        for _ in 0...acknowledgements.commandCount {
            let reply = try connection.readValue(by: deadline)
            refusal = refusal ?? reply.error
        }
        let executed = try connection.readValue(by: deadline)
        if let error = refusal ?? executed.error { return .refused(error) }
        guard !executed.isNull else { return .epochChanged }
        var count = 0
        for reply in try executed.array(of: "EXEC") {
            if let error = reply.error { return .refused(error) }
            count += try reply.integer(of: "XACK")
        }
        return .done(count)
    }

    private mutating func writeRead(_ streams: [StreamKey], count: Int, wait: Duration?) {
        request.begin(argumentCount: 7 + (wait == nil ? 0 : 2) + 2 * streams.count)
        request.write("XREADGROUP")
        request.write("GROUP")
        request.write(group)
        request.write(consumer)
        request.write("COUNT")
        request.write(.integer(max(1, count)))
        if let wait {
            request.write("BLOCK")
            // 0 would mean for ever.
            request.write(.integer(max(1, wait.wholeMilliseconds)))
        }
        request.write("STREAMS")
        for stream in streams { request.write(stream.bytes) }
        for _ in streams { request.write(">") }
    }

    private func outcome(_ reply: EntriesReply, of streams: [StreamKey]) -> Outcome {
        switch reply {
        case .nothing: .nothing
        case .entries(let count): .entries(count)
        case .refused(let error): Self.outcome(error, group: group, streams: streams)
        }
    }

    static func outcome(_ error: ServerError, group: String, streams: [StreamKey]) -> Outcome {
        if error.isMissingGroup {
            return .missingGroup(candidates: MissingGroup.candidates(error, group: group, among: streams))
        }
        return error.isWrongType ? .wrongType : .refused(error)
    }
}

/// Finds the stream that a NOGROUP is about.
enum MissingGroup {
    /// The message is `No such key '<key>' or consumer group '<group>' …` in Redis and Valkey: it is compared with what
    /// the server would say of each stream, because a key may hold quotes. A C string ends at a NUL, and line ends
    /// become spaces. All streams when none fits: `UNBLOCKED` names no key, and clones may word it differently.
    static func candidates(_ error: ServerError, group: String, among streams: [StreamKey]) -> [StreamKey] {
        let message = Array(error.message.utf8)
        let exact = streams.filter { key in
            message.starts(with: Array("No such key '".utf8) + shown(key.bytes) + Array("' or consumer group '".utf8))
        }
        if !exact.isEmpty { return exact }
        let quoted = streams.filter { key in
            message.contains(Array("'".utf8) + shown(key.bytes) + Array("'".utf8))
        }
        return quoted.isEmpty ? streams : quoted
    }

    /// A key as the server's message has it, decoded and encoded as the message was.
    private static func shown(_ key: [UInt8]) -> [UInt8] {
        let cut = key.prefix { $0 != 0 }.map { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") ? 0x20 : $0 }
        return Array(String(decoding: cut, as: UTF8.self).utf8)
    }
}

extension Duration {
    /// Rounded up.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
