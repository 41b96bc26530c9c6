import PostgresWire
import RedisStreams
import RedisWire
import Settings

/// What the self-test makes for itself on the user's servers: streams, a group, a schema with one table. Everything has
/// a random name, and everything goes again.
struct SelftestGround {
    /// Streams to spread the entries over.
    static let streamCount = 4
    private static let portion = 500

    let loaded: LoadedSettings
    /// How long the servers may take to judge or to remove all entries.
    let patience: Duration
    let group: String
    let schema: String
    let workerName: String
    let streams: [String]

    init(_ loaded: LoadedSettings, patience: Duration) {
        self.loaded = loaded
        self.patience = patience
        let tag = String(UInt64.random(in: .min ... .max), radix: 36)
        group = "millrace-selftest-\(tag)"
        schema = "millrace_selftest_\(tag)"
        workerName = "selftest-\(tag)"
        streams = (0..<Self.streamCount).map { "millrace:selftest:\(tag):\($0)" }
    }

    /// Where to look at it.
    var place: String { "schema \(schema), group \(group), streams \(streams.joined(separator: " "))" }

    /// The workers' whole configuration but the servers.
    var configuration: String {
        """
        consumer_group: \(group)
        http: { enabled: false }
        discovery: { every: 500ms }
        claim: { every: 500ms }
        streams:
          selftest:
            keys: [\(streams.map { "\"\($0)\"" }.joined(separator: ", "))]
            table: \(schema).event
            columns:
              n: n
              content: content

        """
    }

    /// The servers, for the workers' environment: a password is in no argument and no file.
    var environment: [String: String] {
        let settings = loaded.settings
        var variables = [
            "MILLRACE_REDIS_URL": settings.redis.url,
            "MILLRACE_POSTGRES_URL": PostgresAddress(loaded, direct: false).connectionString,
            "MILLRACE_POSTGRES_USE_ENVIRONMENT": "true",
            "MILLRACE_REDIS_INSECURE_OK": "\(settings.redis.insecureOK)",
            "MILLRACE_POSTGRES_INSECURE_OK": "\(settings.postgres.insecureOK)",
        ]
        variables["MILLRACE_REDIS_PASSWORD"] = settings.redis.password?.value
        variables["MILLRACE_POSTGRES_PASSWORD_FILE"] = settings.postgres.passwordFile
        return variables
    }

    // MARK: Making and removing

    func make() throws {
        // Before anything is made.
        _ = try Servers(loaded).redis()
        let connection = try Servers(loaded).postgres(direct: true)
        guard
            try connection.query("SELECT to_regclass('ingest.ledger') IS NOT NULL AS found", deadline: Self.soon)[0]
                .isTrue("found")
        else {
            throw CommandFailure("the database has no ledger", fix: "run `millrace migrate up`")
        }
        try connection.execute(
            "CREATE SCHEMA \(schema); CREATE TABLE \(schema).event (n bigint NOT NULL, content text NOT NULL)",
            deadline: Self.soon)
    }

    /// Removes all of it; the ledger's rows too, since their streams are gone.
    func remove() throws {
        let redis = try Servers(loaded).redis()
        let keys = ControlKeys(group: group)
        // At once, however long the streams are.
        for stream in streams { try redis.command("UNLINK", .text(stream)) }
        for key in [
            keys.workers, keys.epoch, keys.acknowledged, keys.deadLetters, keys.paused, keys.audited,
            keys.trimmedUnread,
        ] {
            try redis.command("UNLINK", .key(key))
        }
        let connection = try Servers(loaded).postgres(direct: true)
        try connection.execute("DROP SCHEMA \(schema) CASCADE", deadline: late)
        for sql in Self.forgetting {
            do throws(PostgresError) {
                _ = try connection.query(sql, [group], deadline: late)
            } catch {
                // A worker's rights do not go so far; what stays is small and says whose it is.
                guard error.sqlState == .insufficientPrivilege else { throw error }
                Output.complain("rows of group \(group) stay in schema ingest: this user may not delete them")
                return
            }
        }
    }

    private static let ours = "(SELECT source_no FROM ingest.source WHERE grp = $1)"

    private static let forgetting = [
        """
        WITH gone AS (DELETE FROM ingest.batch_range WHERE source_no IN \(ours) RETURNING batch)
        DELETE FROM ingest.batch WHERE batch IN (SELECT batch FROM gone)
        """,
        "DELETE FROM ingest.dead_letter WHERE source_no IN \(ours)",
        "DELETE FROM ingest.ledger WHERE source_no IN \(ours)",
        "DELETE FROM ingest.source WHERE grp = $1",
    ]

    private static var soon: PostgresConnection.Deadline { .now + .seconds(30) }
    private var late: PostgresConnection.Deadline { .now + patience }

    // MARK: Publishing and cutting

    /// Publishes the numbers of a range, `content` being a function of the number.
    func publish(_ numbers: Range<Int>, on redis: RedisConnection) throws {
        var from = numbers.lowerBound
        while from < numbers.upperBound {
            let end = min(from + Self.portion, numbers.upperBound)
            var commands = CommandBuffer()
            for number in from..<end {
                commands.append(
                    "XADD", .text(streams[number % streams.count]), "*", "n", .integer(number), "content",
                    .text("entry \(number), \(number &* 2_654_435_761 % 1_000_003)"))
            }
            let replies = try redis.pipeline(commands, timeout: .seconds(30))
            if let refusal = replies.lazy.compactMap(\.error).first {
                throw CommandFailure("Redis refuses entries: \(refusal.code) \(refusal.message)")
            }
            from = end
        }
    }

    /// Ends every session of the self-test's workers on both servers. Returns how many there were.
    func cutConnections() throws -> Int {
        let ended = try Servers(loaded).postgres(direct: true).query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = current_user AND application_name LIKE $1
            """, ["millrace/\(workerName)%"], deadline: Self.soon
        ).count
        let redis = try Servers(loaded).redis()
        let list = try redis.command("CLIENT", "LIST", "TYPE", "normal").text ?? ""
        var killed = 0
        for line in list.split(separator: "\n") where line.contains(" name=millrace/\(workerName)") {
            guard let id = line.split(separator: " ").first?.split(separator: "=").last else { continue }
            if try redis.command("CLIENT", "KILL", "ID", .text(String(id))).integer ?? 0 > 0 { killed += 1 }
        }
        return ended + killed
    }

    // MARK: Judging

    /// Compares the table with what was published: the numbers below `published`.
    func judge(published: Int) throws -> SelftestReport {
        let row = try Servers(loaded).postgres(direct: true).query(
            """
            SELECT count(*) AS stored, count(*) - count(DISTINCT n) AS twice,
                   $1::bigint - count(DISTINCT n) FILTER (WHERE n >= 0 AND n < $1::bigint) AS lost,
                   count(*) FILTER (WHERE content <> format('entry %s, %s', n, n * 2654435761 % 1000003)) AS changed,
                   (SELECT count(*) FROM ingest.dead_letter WHERE source_no IN \(Self.ours.replacing("$1", with: "$2")))
                     AS letters,
                   (SELECT coalesce(sum(n), 0) FROM ingest.ledger
                     WHERE source_no IN \(Self.ours.replacing("$1", with: "$2"))) AS recorded
              FROM \(schema).event
            """, [String(published), group], deadline: late)[0]
        func number(_ name: String) throws -> Int { Int(try row.requiredInteger(name)) }
        return SelftestReport(
            published: published, stored: try number("stored"), lost: try number("lost"), twice: try number("twice"),
            changed: try number("changed"), deadLetters: try number("letters"), recorded: try number("recorded"),
            kills: 0, pauses: 0, cuts: 0, seconds: 0)
    }
}
