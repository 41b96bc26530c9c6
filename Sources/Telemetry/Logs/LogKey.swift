public import Logging

/// The names of everything that a log line says besides its message. Messages are constant; data goes here.
public enum LogKey: String, CaseIterable, Sendable {
    case worker, lane, slot, consumer, group, stream, source, table, column, field, batch, mapping
    case entryID = "entry_id"
    case fromID = "from_id"
    case toID = "to_id"
    case entries, rows, bytes, duplicates
    case deadLetters = "dead_letters"
    case pending, lag
    case attempt, delay, elapsed, reason, cause
    case sqlState = "sqlstate"
    case error, host, port, path, signal, version, state, command, count, limit, check, key, name, epoch
    case exitCode = "exit_code"
}

extension Logger {
    /// Sets or reads metadata by its known name.
    public subscript(_ key: LogKey) -> Logger.Metadata.Value? {
        get { self[metadataKey: key.rawValue] }
        set { self[metadataKey: key.rawValue] = newValue }
    }
}

extension [String: Logger.MetadataValue] {
    /// Metadata by known names: `.keys([.stream: "trades", .rows: "\(count)"])`.
    public static func keys(_ values: [LogKey: Logger.MetadataValue]) -> Self {
        Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
    }
}
