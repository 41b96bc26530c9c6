import Glibc
import IngestTesting
import LocalServices
public import Records
import RedisStreams
import RedisWire
import Testing

/// One Redis without persistence that the tests of this target share; each uses keys of its own.
enum SharedRedis {
    private static let server = Task {
        try await TestServices.shared.privateRedis(RedisOptions(appendOnly: false))
    }

    static func endpoint(database: Int = 0) async throws -> RedisEndpoint {
        try RedisEndpoint(address: .unix(path: try await server.value.socketPath), database: database)
    }

    static func connect(database: Int = 0) async throws -> RedisConnection {
        try RedisConnection.connect(to: try await endpoint(database: database), name: "millrace/test/0")
    }
}

extension StreamKey: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

func id(_ milliseconds: UInt64, _ sequence: UInt64 = 0) -> StreamID {
    StreamID(milliseconds: milliseconds, sequence: sequence)
}

extension RedisConnection {
    /// Adds entries with the ids `1-0`, `2-0`, … and one field.
    func fill(_ stream: StreamKey, count: Int) throws {
        var publisher = StreamPublisher()
        for number in 1...count { publisher.append(to: stream, id: id(UInt64(number)), fields: [("n", "\(number)")]) }
        for result in try publisher.flush(on: self) { _ = try result.get() }
    }

    /// Waits until that client waits in a blocking command; a minute at most.
    func waitUntilBlocked(_ client: Int64) throws {
        let end = ContinuousClock.now + .seconds(60)
        let look: [RedisArgument] = ["CLIENT", "LIST", "ID", .text("\(client)")]
        while try command(look).text?.firstMatch(of: /\bflags=\w*b/) == nil {
            try #require(.now < end, "client \(client) waits at the server")
            usleep(1_000)
        }
    }

    /// Lets a consumer read what there is.
    func deliver(_ stream: StreamKey, group: String, to consumer: String, count: Int = 10_000) throws {
        try command(
            "XREADGROUP", "GROUP", .text(group), .text(consumer), "COUNT", .integer(count), "STREAMS", .key(stream), ">"
        )
    }
}

extension EntryBlock {
    borrowing func ids() -> [StreamID] { (0..<count).map { id($0) } }
}
