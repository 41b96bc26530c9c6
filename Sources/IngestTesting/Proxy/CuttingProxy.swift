import Foundation
import Glibc
import Synchronization

/// A TCP proxy on 127.0.0.1 that cuts connections at chosen bytes, holds them without closing, loses bytes, or is slow:
/// what networks do to a worker, in front of a private Redis or PostgreSQL.
///
/// A thread for each direction of each connection. Rules hold for all connections from the next piece on. Thread-safe.
/// It ends with ``stop()``, or when the last reference goes.
public final class CuttingProxy: Sendable {
    /// What happened so far.
    public struct Tally: Equatable, Sendable {
        public var connections = 0
        /// Connections cut by a rule or by ``cutAll()``.
        public var cuts = 0
        /// Clients that found no server.
        public var refused = 0
        /// Bytes taken and lost.
        public var swallowed = 0
        /// Bytes that went on.
        public var passed = 0
    }

    /// Where clients connect to, on 127.0.0.1.
    public let port: Int

    private struct State: Sendable {
        /// `nil` when nobody gets through any more.
        var upstream: Int?
        var rules: [ProxyDirection: ProxyRules] = [.toServer: ProxyRules(), .toClient: ProxyRules()]
        var links: [ObjectIdentifier: ProxyLink] = [:]
        var tally = Tally()
        var isStopped = false
    }

    /// Shared with the threads, which must not keep the proxy alive.
    private final class Core: Sendable {
        let state: Mutex<State>
        init(upstream: Int) { state = Mutex(State(upstream: upstream)) }
    }

    private let core: Core
    private let listener: Int32

    /// - Parameter port: the server's, on 127.0.0.1.
    public init(to port: Int) throws {
        guard let (listener, own) = LoopbackSocket.listen() else {
            throw ProxyError.noSocket(errno: errno)
        }
        (self.listener, self.port) = (listener, own)
        core = Core(upstream: port)
        let core = core
        Thread.detachNewThread { Self.accept(listener, core) }
    }

    public enum ProxyError: Error {
        case noSocket(errno: Int32)
    }

    deinit { stop() }

    public var tally: Tally { core.state.withLock { $0.tally } }

    /// New connections go to another server.
    public func point(to port: Int) { core.state.withLock { $0.upstream = port } }

    // MARK: Rules

    /// Holds bytes back without closing anything: a half-open connection.
    public func stall(_ isStalled: Bool = true, _ directions: [ProxyDirection] = ProxyDirection.allCases) {
        change(directions) { $0.isStalled = isStalled }
    }

    /// Takes bytes and loses them.
    public func swallow(_ swallows: Bool = true, _ direction: ProxyDirection) {
        change([direction]) { $0.swallows = swallows }
    }

    /// Loses all that the server answers, to anybody, from the moment when a client has said these bytes.
    public func swallowAnswers(after bytes: [UInt8]) {
        change([.toServer]) { $0.lastWords = bytes }
    }

    /// Delays every piece, and lets no more than `rate` bytes a second through.
    public func slow(latency: Duration = .zero, rate: Int? = nil) {
        change(ProxyDirection.allCases) { ($0.latency, $0.rate) = (latency, rate) }
    }

    /// Cuts again and again, each time after a random number of bytes out of the range; `nil` ends it.
    public func cutEvery(_ bytes: ClosedRange<Int>?, _ directions: [ProxyDirection] = ProxyDirection.allCases) {
        change(directions) { rules in
            rules.cutsEvery = bytes
            rules.cutAfter = bytes.map { Int.random(in: $0) }
        }
    }

    /// Cuts the connection right before `text` comes by for the n-th time; `forGood`, and nobody gets another one.
    public func cut(
        before text: String, occurrence: Int = 1, _ direction: ProxyDirection, forGood: Bool = false
    ) {
        change([direction]) { rules in
            rules.pattern = (Array(text.utf8), max(1, occurrence))
            rules.cutsForGood = forGood
        }
    }

    /// Cuts every connection that stands now.
    public func cutAll() {
        let links = core.state.withLock { state in
            state.tally.cuts += state.links.count
            return Array(state.links.values)
        }
        for link in links { link.cut() }
    }

    private func change(_ directions: [ProxyDirection], _ body: (inout ProxyRules) -> Void) {
        core.state.withLock { state in
            for direction in directions { body(&state.rules[direction, default: ProxyRules()]) }
        }
    }

    /// Cuts everything and listens no more. May be called again.
    public func stop() {
        let isFirst = core.state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        cutAll()
    }

    // MARK: Threads

    private static func accept(_ listener: Int32, _ core: Core) {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            let (upstream, isStopped) = core.state.withLock { ($0.upstream, $0.isStopped) }
            guard client >= 0, !isStopped else { break }
            guard let upstream, let server = LoopbackSocket.connect(to: upstream) else {
                core.state.withLock { $0.tally.refused += 1 }
                close(client)
                continue
            }
            let link = ProxyLink(client: client, server: server)
            core.state.withLock { state in
                state.tally.connections += 1
                state.links[ObjectIdentifier(link)] = link
            }
            for direction in ProxyDirection.allCases {
                Thread.detachNewThread {
                    pump(link, direction, core)
                    core.state.withLock { $0.links[ObjectIdentifier(link)] = nil }
                    link.finished()
                }
            }
        }
        close(listener)
    }

    private static func pump(_ link: ProxyLink, _ direction: ProxyDirection, _ core: Core) {
        var one = 1
        setsockopt(link.target(direction), Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let rules = waitWhileStalled(link, direction, core)
            let count = recv(link.source(direction), &piece, piece.count, 0)
            guard count > 0 else { return }
            // What was on its way when the stall began is held, too.
            let now = waitWhileStalled(link, direction, core)
            if now.swallows {
                core.state.withLock { $0.tally.swallowed += count }
                continue
            }
            delay(rules, count)
            let verdict = core.state.withLock { state in
                if state.rules[direction]?.endsConversation(piece[..<count]) == true {
                    state.rules[.toClient]?.swallows = true
                }
                let verdict = state.rules[direction]?.pass(piece[..<count]) ?? (count: count, isCut: false)
                state.tally.passed += verdict.count
                if verdict.isCut { state.tally.cuts += 1 }
                if verdict.isCut, state.rules[direction]?.cutsForGood == true { state.upstream = nil }
                return verdict
            }
            guard send(piece, verdict.count, to: link.target(direction)), !verdict.isCut else { return }
        }
    }

    private static func waitWhileStalled(
        _ link: ProxyLink, _ direction: ProxyDirection, _ core: Core
    ) -> ProxyRules {
        while true {
            let (rules, isStopped) = core.state.withLock { state in
                (state.rules[direction] ?? ProxyRules(), state.isStopped)
            }
            guard rules.isStalled, !isStopped, !isClosed(link.source(direction)) else { return rules }
            usleep(5_000)
        }
    }

    /// Whether the peer has gone; looked at without taking a byte.
    private static func isClosed(_ descriptor: Int32) -> Bool {
        let peerHasGone: Int16 = 0x2000  // POLLRDHUP, which Glibc hides
        var look = pollfd(fd: descriptor, events: peerHasGone, revents: 0)
        return poll(&look, 1, 0) > 0
    }

    private static func delay(_ rules: ProxyRules, _ count: Int) {
        var seconds = rules.latency / .seconds(1)
        if let rate = rules.rate { seconds += Double(count) / Double(rate) }
        if seconds > 0 { usleep(UInt32(min(seconds, 60) * 1e6)) }
    }

    private static func send(_ bytes: [UInt8], _ count: Int, to descriptor: Int32) -> Bool {
        var sent = 0
        return bytes.withUnsafeBytes { bytes in
            while sent < count {
                let part = Glibc.send(
                    descriptor, bytes.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                guard part > 0 else { return false }
                sent += part
            }
            return true
        }
    }
}
