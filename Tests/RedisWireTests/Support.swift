import Glibc
import IngestTesting
import LocalServices
import Records
import RedisWire

/// One Redis without persistence that the tests of this target share; each uses keys of its own.
enum SharedRedis {
    private static let server = Task {
        try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
    }

    static func server() async throws -> LocalRedis { try await server.value }

    static func endpoint() async throws -> RedisEndpoint {
        try RedisEndpoint(address: .unix(path: try await server().socketPath))
    }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// An entry as plain values, for comparing.
struct PlainEntry: Equatable {
    var stream: String
    var id: String
    var fields: [String]
    var raw: String
    var body: EntryBlock.Body

    init(_ stream: String, _ id: String, _ fields: [String], raw: String? = nil, _ body: EntryBlock.Body = .kept) {
        self.stream = stream
        self.id = id
        self.fields = fields
        self.raw = raw ?? (body == .kept ? Resp.array(fields.map(Resp.bulk)) : "")
        self.body = body
    }
}

extension EntryBlock {
    /// What the block holds, run by run.
    borrowing func plain() -> [PlainEntry] {
        var result: [PlainEntry] = []
        for run in streams {
            for index in run.entries {
                let entry = entry(index)
                var fields: [String] = []
                for pair in 0..<entry.pairCount {
                    fields.append(Self.text(entry.name(pair)))
                    fields.append(Self.text(entry.value(pair)))
                }
                result.append(
                    PlainEntry(
                        run.key.description, entry.id.description, fields, raw: Self.text(entry.rawFields),
                        record(index).body))
            }
        }
        return result
    }

    private static func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.withUnsafeBufferPointer { Array($0) }, as: UTF8.self)
    }
}

/// Writes RESP2 by hand.
enum Resp {
    static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }
    static func array(_ elements: [String]) -> String { "*\(elements.count)\r\n" + elements.joined() }
    static func entry(_ id: String, _ fields: [String]) -> String { array([bulk(id), array(fields.map(bulk))]) }
    static func deleted(_ id: String) -> String { array([bulk(id), "*-1\r\n"]) }
    static func streams(_ streams: [(String, [String])]) -> String {
        array(streams.map { array([bulk($0.0), array($0.1)]) })
    }
}

/// One end of a pair of sockets, to play the server with.
final class SocketPeer {
    private let end: Int32
    /// The other end, for a connection to own.
    let other: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw RedisError.closed }
        end = ends[0]
        other = ends[1]
    }

    deinit { Glibc.close(end) }

    func answer(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(end, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func hangUp() { shutdown(end, Int32(SHUT_RDWR)) }
}

/// Listens on a loopback port and never says a word.
final class SilentListener {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, length) | listen(descriptor, 1) | getsockname(descriptor, name, &length)
            }
        }
        guard code == 0 else { throw RedisError.closed }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { Glibc.close(descriptor) }
}
