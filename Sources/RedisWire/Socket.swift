import CHiredis
import Glibc

/// A connected socket, closed when its owner goes.
///
/// Every call is bound by a deadline on the monotonic clock. `errno` is read in the very function that made the system
/// call: it must never be read after a change of thread.
struct Socket: ~Copyable {
    private let descriptor: Int32

    /// Takes over an open descriptor.
    init(owning descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Sends all bytes. A closed peer is an error, not a signal.
    func send(_ bytes: [UInt8], by deadline: ContinuousClock.Instant) throws(RedisError) {
        var sent = 0
        while sent < bytes.count {
            let (count, code) = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
                let count = Glibc.send(descriptor, rest.baseAddress, rest.count, flags)
                return (count, errno)
            }
            if count >= 0 {
                sent += count
            } else if code == EAGAIN || code == EWOULDBLOCK {
                try wait(for: Int16(POLLOUT), by: deadline, .send)
            } else if code != EINTR {
                throw Self.error(code)
            }
        }
    }

    /// Receives at least one byte.
    func receive(
        into buffer: UnsafeMutableRawBufferPointer, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> Int {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            let code = errno
            if count > 0 { return count }
            if count == 0 { throw .closed }
            if code == EAGAIN || code == EWOULDBLOCK {
                try wait(for: Int16(POLLIN), by: deadline, .reply)
            } else if code != EINTR {
                throw Self.error(code)
            }
        }
    }

    private func wait(
        for events: Int16, by deadline: ContinuousClock.Instant, _ phase: RedisError.Phase
    ) throws(RedisError) {
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { throw .timeout(during: phase) }
            var request = pollfd(fd: descriptor, events: events, revents: 0)
            let ready = poll(&request, 1, left.pollMilliseconds)
            let code = errno
            if ready > 0 { return }
            if ready < 0, code != EINTR { throw Self.error(code) }
        }
    }

    private static func error(_ code: Int32) -> RedisError {
        code == EPIPE || code == ECONNRESET ? .closed : .inputOutput(code: code)
    }
}

// MARK: - Connecting

extension Socket {
    /// Connects through hiredis, which resolves the name, and takes the socket from it: replies are never read by two
    /// readers.
    /// - Throws: `.connect` or `.timeout(during: .connect)`.
    static func connect(
        to address: RedisEndpoint.Address, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> Socket {
        let left = deadline - ContinuousClock.now
        guard left > .zero else { throw .timeout(during: .connect) }
        let context: UnsafeMutablePointer<redisContext>?
        switch address {
        case .tcp(let host, let port): context = redisConnectWithTimeout(host, Int32(port), left.timeval)
        case .unix(let path): context = redisConnectUnixWithTimeout(path, left.timeval)
        }
        guard let context else { throw .connect("out of memory") }
        guard context.pointee.err == 0 else {
            let reason = withUnsafeBytes(of: context.pointee.errstr) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            redisFree(context)
            throw deadline <= ContinuousClock.now ? .timeout(during: .connect) : .connect(reason)
        }
        if case .tcp = address { redisEnableKeepAlive(context) }
        return Socket(owning: redisFreeKeepFd(context))
    }
}

extension Duration {
    /// For `poll`: rounded up, so that a wait never ends early and turns into a busy loop.
    fileprivate var pollMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    fileprivate var timeval: timeval {
        let (seconds, attoseconds) = components
        return Glibc.timeval(
            tv_sec: Int(min(seconds, 1_000_000)), tv_usec: Int(max(1, attoseconds / 1_000_000_000_000)))
    }
}
