public import Records

/// A connection to one Redis server: synchronous, used by one thread at a time.
///
/// Commands are sent as bytes and their replies read in the same order, by one reader. Every call has a deadline.
/// After any ``RedisError`` except `.server` the connection is closed and every further call throws `.closed`: a reply
/// that came late would answer the next command. Dropping the connection closes it.
public final class RedisConnection {
    /// For commands that wait for nothing; used where no deadline is given.
    public var commandTimeout: Duration = .seconds(5)
    public let limits: ReplyLimits

    private var socket: Socket?
    private var buffer = ReplyBuffer()
    /// Whether something of the reply under way has come.
    private var hasBegun = false
    /// Replies that are still to be read.
    public private(set) var outstanding = 0

    init(_ socket: consuming Socket, limits: ReplyLimits) {
        self.socket = consume socket
        self.limits = limits
    }

    public var isOpen: Bool { socket != nil }

    /// Closes the connection; calling it again does nothing.
    public func close() {
        socket = nil
        outstanding = 0
        buffer = ReplyBuffer()
    }

    /// The moment when a command sent now must be answered.
    public var commandDeadline: ContinuousClock.Instant { ContinuousClock.now + commandTimeout }

    // MARK: Pipelines

    /// Sends commands without waiting. Each has one reply, to be read in order.
    /// - Throws: ``RedisError``; the connection is then closed.
    public func send(_ commands: borrowing CommandBuffer, by deadline: ContinuousClock.Instant) throws(RedisError) {
        guard socket != nil else { throw .closed }
        do {
            try socket?.send(commands.bytes, by: deadline)
        } catch {
            close()
            throw error
        }
        outstanding += commands.commandCount
    }

    /// Reads the next reply, errors of the server included.
    /// - Throws: ``RedisError``, never `.server`; the connection is then closed.
    public func readValue(by deadline: ContinuousClock.Instant) throws(RedisError) -> RedisValue {
        try reading { () throws(RedisError) in try value(by: deadline) }
    }

    /// Reads the next reply as entries into `block`, whose former content goes.
    /// - Throws: ``RedisError``, never `.server`; the connection is then closed and the block empty.
    public func readEntries(
        _ shape: EntryParser.Shape, into block: inout EntryBlock, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> EntriesReply {
        buffer.keepSpare(block.recycle())
        do {
            return try reading { () throws(RedisError) in try entries(shape, into: &block, by: deadline) }
        } catch {
            _ = block.recycle()
            throw error
        }
    }

    // MARK: One command

    /// Sends one command and waits for its reply.
    /// - Parameter timeout: ``commandTimeout`` unless told.
    /// - Throws: ``RedisError``; `.server` when the server refuses, and the connection goes on.
    @discardableResult
    public func command(_ arguments: RedisArgument..., timeout: Duration? = nil) throws(RedisError) -> RedisValue {
        try command(arguments, timeout: timeout)
    }

    @discardableResult
    public func command(_ arguments: [RedisArgument], timeout: Duration? = nil) throws(RedisError) -> RedisValue {
        var buffer = CommandBuffer()
        buffer.append(arguments)
        let value = try pipeline(buffer, timeout: timeout)[0]
        if let error = value.error { throw .server(error) }
        return value
    }

    /// Sends commands and waits for all their replies, errors of the server among them.
    /// - Parameter abridged: of every string only the first 4 KiB are kept, and of every array the first 64 strings: for
    ///   replies that show entries of any size which nobody asked for. They are read in bounded memory.
    public func pipeline(
        _ commands: borrowing CommandBuffer, timeout: Duration? = nil, abridged: Bool = false
    ) throws(RedisError) -> [RedisValue] {
        // A reply left behind by an abandoned pipeline would be taken for the first one of this.
        guard outstanding == 0 else {
            close()
            throw .protocolViolation(ProtocolViolation("a reply was left unread", offset: 0))
        }
        let deadline = ContinuousClock.now + (timeout ?? commandTimeout)
        try send(commands, by: deadline)
        var replies: [RedisValue] = []
        for _ in 0..<commands.commandCount {
            replies.append(try abridged ? readAbridged(by: deadline) : readValue(by: deadline))
        }
        return replies
    }

    // MARK: Reading

    private func reading<Result>(_ body: () throws(RedisError) -> Result) throws(RedisError) -> Result {
        guard socket != nil else { throw .closed }
        hasBegun = false
        do {
            let result = try body()
            outstanding -= 1
            return result
        } catch {
            close()
            throw error
        }
    }

    private func value(by deadline: ContinuousClock.Instant) throws(RedisError) -> RedisValue {
        var scanner = ReplyScanner(limits: limits, at: buffer.start)
        while true {
            if let value = try parsing({ () throws(ProtocolViolation) in try buffer.takeValue(&scanner) }) {
                return value
            }
            try receive(atLeast: 1, softLimit: .max, by: deadline)
        }
    }

    private func readAbridged(by deadline: ContinuousClock.Instant) throws(RedisError) -> RedisValue {
        try reading { () throws(RedisError) in
            var reader = AbridgedReader(limits: limits)
            while true {
                let value = try parsing { () throws(ProtocolViolation) in try buffer.takeAbridged(&reader) }
                if let value { return value }
                buffer.compact()
                try receive(atLeast: 1, softLimit: 256 << 10, by: deadline)
            }
        }
    }

    private func entries(
        _ shape: EntryParser.Shape, into block: inout EntryBlock, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> EntriesReply {
        buffer.compact()
        var parser = EntryParser(shape, limits: limits)
        let softLimit = limits.keptBytes + (256 << 10)
        while true {
            let progress = try parsing { () throws(ProtocolViolation) in try buffer.parse(&parser, into: &block) }
            switch progress {
            case .needsMore(let count): try receive(atLeast: count, softLimit: softLimit, by: deadline)
            case .discard(let range): buffer.discard(range)
            case .complete(let end):
                block.adopt(bytes: buffer.detach(from: end))
                return .entries(block.count)
            case .nothing(let end):
                buffer.consume(to: end)
                block.adopt(bytes: buffer.takeSpare())
                return .nothing
            case .refused(let error, let end):
                buffer.consume(to: end)
                block.adopt(bytes: buffer.takeSpare())
                return .refused(error)
            }
        }
    }

    private func parsing<Result>(
        _ body: () throws(ProtocolViolation) -> Result
    ) throws(RedisError) -> Result {
        do {
            return try body()
        } catch {
            throw .protocolViolation(error)
        }
    }

    /// Receives what there is, and more until `count` bytes have come.
    ///
    /// A reply that lies ready is taken even after its deadline (the caller may have had other work); one that goes on
    /// and on is not, however steadily it comes.
    private func receive(
        atLeast count: Int, softLimit: Int, by deadline: ContinuousClock.Instant
    ) throws(RedisError) {
        let wanted = buffer.end + count
        while buffer.end < wanted {
            if hasBegun, ContinuousClock.now >= deadline { throw .timeout(during: .reply) }
            buffer.reserve(max(wanted - buffer.end, 4_096), softLimit: softLimit)
            try buffer.fill { (free) throws(RedisError) -> Int in
                guard let count = try socket?.receive(into: free, by: deadline) else { throw .closed }
                return count
            }
            hasBegun = true
        }
    }
}

/// What a command that reads entries was answered.
public enum EntriesReply: Equatable, Sendable {
    /// Nil: nothing came in time.
    case nothing
    /// The block holds so many entries (which may be 0).
    case entries(Int)
    case refused(ServerError)
}
