import IngestPipeline
import RecordCodec
import Records
import RedisStreams
import RedisWire
import Settings

/// Which streams a command is about.
enum StreamSelection {
    /// The streams that the configuration's mappings name, sorted; exact names whether they exist or not. Patterns are
    /// found with SCAN.
    static func configured(_ settings: Settings, on connection: RedisConnection) throws(RedisError) -> [StreamKey] {
        try StreamDiscovery.find(settings.streams.flatMap(\.keys), on: connection)
    }

    /// The streams that were asked for, names or patterns, or else the configured ones.
    static func chosen(
        _ selectors: [String], _ settings: Settings, on connection: RedisConnection
    ) throws(RedisError) -> [StreamKey] {
        if selectors.isEmpty { return try configured(settings, on: connection) }
        return try StreamDiscovery.find(selectors, on: connection)
    }

    /// Whether a name or pattern means this stream. A pattern is matched byte by byte, as Redis does.
    static func names(_ selector: String, _ stream: StreamKey) -> Bool {
        StreamDiscovery.isPattern(selector) ? GlobPattern(selector).matches(stream) : StreamKey(selector) == stream
    }

    /// - Throws: when a stream that was asked for by its exact name is not there, or the group does not read it.
    ///   Whoever names a stream wants to hear of it.
    static func requireGroup(_ group: String, of selectors: [String], on connection: RedisConnection) throws {
        for name in selectors where !StreamDiscovery.isPattern(name) {
            let key = StreamKey(name)
            let type = try connection.type(of: key)
            guard type == "stream" else {
                throw CommandFailure(
                    type == "none" ? "there is no stream \(name)" : "\(name) is not a stream",
                    fix: "list them with `millrace stream ls '*'`")
            }
            guard try connection.groups(of: key).contains(where: { $0.name == group }) else {
                throw CommandFailure(
                    "the consumer group \(group) does not read stream \(name)",
                    fix: "see its groups with `millrace stream inspect \(name)`")
            }
        }
    }
}
