/// How a private Redis keeps its data.
public struct RedisOptions: Sendable, Equatable {
    public enum Fsync: String, Sendable {
        case always
        case everySecond = "everysec"
        case never = "no"
    }

    /// Whether writes go to the append-only file. Default true; without it a kill loses everything.
    public var appendOnly: Bool
    /// When the append-only file is flushed to the disk. Default `.everySecond`, Redis' own.
    public var fsync: Fsync
    /// The memory limit in bytes; writes beyond it are refused (`noeviction`). Default none.
    public var maxMemoryBytes: Int?
    /// Further lines of the configuration file; they come last and win.
    public var extraLines: [String]

    public init(
        appendOnly: Bool = true, fsync: Fsync = .everySecond, maxMemoryBytes: Int? = nil, extraLines: [String] = []
    ) {
        self.appendOnly = appendOnly
        self.fsync = fsync
        self.maxMemoryBytes = maxMemoryBytes
        self.extraLines = extraLines
    }

    /// The configuration file. `enable-debug-command local` lets tests use DEBUG SLEEP.
    func configuration(folder: String, port: Int) -> String {
        var lines = [
            "bind 127.0.0.1",
            "port \(port)",
            "unixsocket \(folder)/socket/redis.sock",
            "unixsocketperm 700",
            "dir \(folder)/data",
            "daemonize no",
            "save \"\"",
            "appendonly \(appendOnly ? "yes" : "no")",
            "appendfsync \(fsync.rawValue)",
            "maxmemory-policy noeviction",
            "enable-debug-command local",
        ]
        if let maxMemoryBytes {
            lines.append("maxmemory \(maxMemoryBytes)")
        }
        return (lines + extraLines).joined(separator: "\n") + "\n"
    }
}
