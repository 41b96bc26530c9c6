import Glibc
import Records
import RedisWire

/// Writes entries to streams with pipelined XADDs: bounded memory, at an even rate where one is asked for.
///
/// Blocks; used by one thread. After a failure some entries may be in their streams without having been counted.
final class PacedPublisher {
    static let commandsAtOnce = 500
    static let bytesAtOnce = 1 << 20
    /// Pipelines without replies; with two, the server works while we prepare the next.
    static let pipelinesAhead = 2

    private let connection: RedisConnection
    private let pacer: Pacer?
    private var buffer = CommandBuffer()
    private var buffered: [StreamKey] = []
    private var underWay: [[StreamKey]] = []
    private var progress: Progress
    private var streams: Set<StreamKey> = []
    private let start = ContinuousClock.now
    /// Entries that were handed in.
    private(set) var begun: Int64 = 0
    /// Entries that the server confirmed.
    private(set) var added: Int64 = 0

    /// - Parameters:
    ///   - rate: entries a second; `nil` is as fast as the server goes.
    ///   - total: how many will come, for the progress line.
    init(_ connection: RedisConnection, rate: Int?, total: Int64?) {
        self.connection = connection
        pacer = rate.map { Pacer(rate: $0, start: .now) }
        progress = Progress("published", total: total)
    }

    /// Starts an entry. Exactly `pairs` names and values must follow with ``write(_:)``, then ``endEntry()``.
    func beginEntry(_ stream: StreamKey, id: StreamID?, pairs: Int) throws(CommandFailure) {
        try pace()
        buffer.begin(argumentCount: 3 + 2 * pairs)
        buffer.write("XADD")
        buffer.write(stream.bytes)
        if let id { buffer.write(id) } else { buffer.write("*") }
        buffered.append(stream)
        begun += 1
    }

    func write(_ bytes: [UInt8]) {
        buffer.write(bytes)
    }

    func endEntry() throws(CommandFailure) {
        if buffer.commandCount >= Self.commandsAtOnce || buffer.bytes.count >= Self.bytesAtOnce { try send() }
    }

    /// Sends what is buffered, without waiting for all replies.
    func flush() throws(CommandFailure) {
        try send()
    }

    /// Sends what is left and waits for every reply.
    func finish() throws(CommandFailure) -> PublishSummary {
        defer { progress.finish() }
        try send()
        while !underWay.isEmpty { try collect() }
        return summary
    }

    var summary: PublishSummary {
        PublishSummary(entries: added, streams: streams.count, elapsed: ContinuousClock.now - start)
    }

    private func pace() throws(CommandFailure) {
        guard let pacer, let end = pacer.pause(before: begun, now: .now) else { return }
        try send()
        Self.sleep(until: end)
        // Replies to earlier portions have come during the pause.
        while !underWay.isEmpty { try collect() }
    }

    private func send() throws(CommandFailure) {
        guard !buffered.isEmpty else { return }
        do throws(RedisError) {
            try connection.send(buffer, by: connection.commandDeadline)
        } catch {
            throw interrupted(error)
        }
        underWay.append(buffered)
        buffered.removeAll()
        buffer.removeAll()
        while underWay.count >= Self.pipelinesAhead { try collect() }
    }

    private func collect() throws(CommandFailure) {
        let deadline = connection.commandDeadline
        for stream in underWay.removeFirst() {
            let reply: RedisValue
            do throws(RedisError) {
                reply = try connection.readValue(by: deadline)
            } catch {
                throw interrupted(error)
            }
            if let error = reply.error { throw refused(stream, error) }
            streams.insert(stream)
            added += 1
        }
        progress.update(added)
    }

    private func interrupted(_ error: RedisError) -> CommandFailure {
        progress.finish()
        return CommandFailure(
            "\(Servers.words(error)), after \(Figures.count(added)) entries; up to "
                + "\(Figures.count(begun - added)) more may have been added",
            fix: "look at the streams with `millrace stream ls` before publishing again")
    }

    private func refused(_ stream: StreamKey, _ error: ServerError) -> CommandFailure {
        progress.finish()
        let name = SafeText.escape(stream.bytes)
        let what = "stream \(name): Redis answered \(error.code) \(error.message.prefix(300))"
        let fix: String? =
            switch error.code {
            case "WRONGTYPE": "the key \(name) is not a stream: choose another, or delete it"
            case "OOM": "Redis is full: raise maxmemory or trim streams"
            case "ERR" where error.message.contains("equal or smaller"):
                "the stream has later ids already: publish without --keep-ids"
            default: nil
            }
        return CommandFailure(
            "\(what), after \(Figures.count(added)) entries", fix: fix, status: Servers.status(.server(error)))
    }

    /// To the microsecond, unlike what timers of an event loop give.
    static func sleep(until end: ContinuousClock.Instant) {
        let rest = end - .now
        guard rest > .zero else { return }
        var time = timespec(
            tv_sec: Int(rest.components.seconds), tv_nsec: Int(rest.components.attoseconds / 1_000_000_000))
        // A signal ends the pause early, which is what it is for.
        nanosleep(&time, nil)
    }
}

/// What a publisher did.
struct PublishSummary: Encodable {
    var entries: Int64
    var streams: Int
    var seconds: Double
    var rate: Int64

    init(entries: Int64, streams: Int, elapsed: Duration) {
        self.entries = entries
        self.streams = streams
        seconds = (elapsed.seconds * 1000).rounded() / 1000
        rate = elapsed > .zero ? Int64(Double(entries) / elapsed.seconds) : 0
    }

    func print(_ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(self) }
        let targets = "\(Figures.count(streams)) stream\(streams == 1 ? "" : "s")"
        Output.print(
            "published \(Figures.count(entries)) entries to \(targets) in \(Figures.decimal(seconds, digits: 1)) s "
                + "(\(Figures.count(rate))/s)")
    }
}
