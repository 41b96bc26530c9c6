/// Every key but `streams`, in the order of the reference.
enum SettingKeys {
    static let all: [SettingKey] = servers + worker + failures + operation

    static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })

    /// Words before the last dot: `batching`, `log`.
    static let sections = Set(
        all.compactMap { key in
            key.path.lastIndex(of: ".").map { String(key.path[..<$0]) }
        })

    private static let postgresURL = ValueFormat<String>(
        "a PostgreSQL address", example: "postgresql://user@host:5432/database, or host=/run/postgresql dbname=market",
        read: { text in
            let isURL = ["postgresql://", "postgres://"].contains { text.hasPrefix($0) }
            return isURL || (!text.contains("://") && text.contains("=")) ? text : nil
        }, render: Redaction.url)

    private static let servers: [SettingKey] = [
        SettingKey(
            "redis.url", \.redis.url, .url(schemes: ["redis://", "unix://"], example: "redis://127.0.0.1:6379/0"),
            "redis://[user@]host[:port][/database], or unix:///path/to/socket"),
        SettingKey(
            "redis.password", \.redis.password, ValueFormat.secret.optional, "better: redis.password_file",
            isSecret: true),
        SettingKey(
            "redis.password_file", \.redis.passwordFile, ValueFormat.text.optional, "a file with the password"),
        SettingKey(
            "redis.insecure_ok", \.redis.insecureOK, .flag,
            "lets a password go to another machine without TLS: only in a network you trust"),
        SettingKey(
            "redis.id", \.redis.id, .groupName,
            "names this Redis deployment in the ledger: keep it when the server moves, change it for another one"),
        SettingKey("postgres.url", \.postgres.url, postgresURL, "a URL, or libpq's key=value form"),
        SettingKey(
            "postgres.password", \.postgres.password, ValueFormat.secret.optional, "better: postgres.password_file",
            isSecret: true),
        SettingKey(
            "postgres.password_file", \.postgres.passwordFile, ValueFormat.text.optional, "a file with the password"),
        SettingKey(
            "postgres.insecure_ok", \.postgres.insecureOK, .flag,
            "allows sslmode=disable, allow and prefer to another machine: only in a network you trust"),
        SettingKey(
            "postgres.direct_url", \.postgres.directURL, postgresURL.optional,
            "past a transaction pooler, for migrations and `db`"),
        SettingKey(
            "postgres.use_environment", \.postgres.useEnvironment, .flag,
            "lets `run` honour PG* variables, as other commands do"),
    ]

    private static let worker: [SettingKey] = [
        SettingKey("consumer_group", \.consumerGroup, .groupName, "the consumer group, one for all streams"),
        SettingKey("worker", \.worker, .workerName, "this worker's name; the host name when not given"),
        SettingKey("lanes", \.lanes, .count(1...256), "threads that ingest; one per processor, at least 2"),
        SettingKey("batching.rows", \.batching.rows, .count(1...1_000_000), "most rows of a batch"),
        SettingKey("batching.bytes", \.batching.bytes, .size(4096...(1 << 30)), "most bytes of a batch"),
        SettingKey(
            "batching.linger", \.batching.linger, .duration(.zero ... .seconds(5)),
            "after a small batch, how long the next entries are left in Redis to come together"),
        SettingKey("limits.entry", \.limits.entry, .size(1024...(64 << 20)), "bytes of one entry"),
        SettingKey("limits.reply", \.limits.reply, .size(65536...(1 << 30)), "bytes of one reply of Redis"),
        SettingKey("limits.fields", \.limits.fields, .count(1...65536), "fields of one entry"),
        SettingKey(
            "limits.dead_letter_payload", \.limits.deadLetterPayload, .size(1024...(64 << 20)),
            "bytes of an entry that a dead letter stores; above, it is kept by reference"),
    ]

    private static let failures: [SettingKey] = [
        SettingKey(
            "claim.every", \.claim.every, .duration(.milliseconds(100) ... .seconds(3600)),
            "pause between sweeps for entries of dead consumers"),
        SettingKey(
            "claim.after", \.claim.after, .duration(.seconds(1) ... .seconds(86400)),
            "idle time before an entry of a consumer that lives, or is unknown, is claimed"),
        SettingKey("claim.count", \.claim.count, .count(1...10_000), "entries claimed at a time"),
        SettingKey("retry.max_attempts", \.retry.maxAttempts, .count(0...100), "tries of a refused row"),
        SettingKey(
            "retry.initial_interval", \.retry.initialInterval, .duration(.seconds(1) ... .seconds(86400)),
            "pause before the first retry, then doubled"),
        SettingKey(
            "retry.max_interval", \.retry.maxInterval, .duration(.seconds(1) ... .seconds(7 * 86400)),
            "longest pause between retries"),
        SettingKey("retry.jitter", \.retry.jitter, .choice, "full (0 to the interval) or none"),
        SettingKey(
            "dead_letter.mirror_max", \.deadLetter.mirrorMax, .count(0...100_000_000),
            "entries that the dead-letter stream keeps; 0 turns it off (the table keeps all)"),
        SettingKey(
            "dead_letter.alert_rows", \.deadLetter.alertRows, .count(1...1_000_000_000),
            "open letters above which a warning is logged; none is ever dropped"),
        SettingKey(
            "dead_letter.alert_bytes", \.deadLetter.alertBytes, .size(1024...(1 << 50)),
            "the same for the bytes of their fields"),
        SettingKey(
            "discovery.every", \.discovery.every, .duration(.milliseconds(100) ... .seconds(3600)),
            "pause between SCANs for streams that match a pattern"),
    ]

    private static let operation: [SettingKey] = [
        SettingKey("http.enabled", \.http.enabled, .flag, "serves /healthz, /readyz, /metrics and /version"),
        SettingKey("http.address", \.http.address, .address, "host:port; port 0 lets the system choose"),
        SettingKey(
            "http.token_file", \.http.tokenFile, ValueFormat.text.optional,
            "a file with the bearer token; needed for an address other than loopback"),
        SettingKey("http.allowed_hosts", \.http.allowedHosts, .list, "names that the Host header may have"),
        SettingKey(
            "shutdown.grace", \.shutdown.grace, .duration(.zero ... .seconds(3600)),
            "time to commit and acknowledge what is in flight"),
        SettingKey(
            "startup.wait", \.startup.wait, .duration(.zero ... .seconds(3600)),
            "how long to wait at start for servers that cannot be reached"),
        SettingKey("log.level", \.log.level, .choice, "trace, debug, info, notice, warning, error or critical"),
        SettingKey("log.format", \.log.format, .choice, "text or json"),
        SettingKey("trim.mode", \.trim.mode, .choice, "off, or acked: what all groups have acknowledged"),
        SettingKey(
            "trim.retention", \.trim.retention, .duration(.seconds(3600) ... .seconds(3650 * 86400)),
            "younger entries stay"),
        SettingKey(
            "trim.every", \.trim.every, .duration(.seconds(1) ... .seconds(86400)), "pause between trims"),
    ]
}
