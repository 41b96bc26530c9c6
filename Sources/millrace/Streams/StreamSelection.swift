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
}
