public import BlockingExecutor
import IngestCore
public import Logging
public import PostgresCopy
public import PostgresWire
public import RecordCodec
import Records
import RedisStreams
public import RedisWire
import Waitpoints

/// Why a worker does not start.
public enum StartupFailure: Error, Sendable {
    /// A server did not answer within the time that start-up waits.
    case redisUnreachable(RedisEndpoint, RedisError)
    case postgresUnreachable(PostgresEndpoint, PostgresError)
    /// A server answered, and refused: user, password, database, rights.
    case redisRefused(RedisEndpoint, RedisError)
    case postgresRefused(PostgresEndpoint, PostgresError)
    /// A mapping does not fit its table.
    case target(mapping: String, TargetProblem)
    case plan(PlanError)
    case noStreams
    /// More workers of one name than slots.
    case noSlot(worker: String)
    /// `MILLRACE_FAULT` holds words that are none.
    case faults(String)
    case noThread(BlockingThread.CreationError)

    /// Waiting does not help: somebody has to change something.
    public var isConfiguration: Bool {
        switch self {
        case .redisUnreachable, .postgresUnreachable, .noThread, .target(_, .postgres): false
        case .redisRefused, .postgresRefused, .target, .plan, .noStreams, .noSlot, .faults: true
        }
    }
}

extension StartupFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .redisUnreachable(let endpoint, let error): "Redis at \(endpoint) cannot be reached: \(error)"
        case .postgresUnreachable(let endpoint, let error): "PostgreSQL at \(endpoint) cannot be reached: \(error)"
        case .redisRefused(let endpoint, let error): "Redis at \(endpoint) refuses: \(error)"
        case .postgresRefused(let endpoint, let error): "PostgreSQL at \(endpoint) refuses: \(error)"
        case .target(let mapping, let problem): "mapping \(mapping): \(problem)"
        case .plan(let error): "\(error)"
        case .noStreams: "no stream is configured: `streams` is empty"
        case .noThread(let error): "\(error)"
        case .faults(let words): "MILLRACE_FAULT asks for what there is not: \(words)"
        case .noSlot(let worker): "every slot of worker name \(worker) is taken: give this worker another name"
        }
    }
}

extension Worker {
    /// Waits until both servers answer.
    ///
    /// Blocks its thread.
    public static func reach(
        _ settings: PipelineSettings, stop: StopSignal, wait: Duration
    ) throws(StartupFailure) {
        let end = ContinuousClock.now + wait
        try connectPostgres(settings, until: end, stop).close()
        try connectRedis(settings, until: end, stop).close()
    }

    /// Connects, checks every mapping against the database, and takes a slot.
    ///
    /// Blocks its thread. Nothing is read from a stream and nothing acknowledged.
    /// - Parameter wait: how long unreachable servers are tried again.
    public static func prepare(
        _ settings: PipelineSettings, stop: StopSignal = StopSignal(), log: Logger, wait: Duration
    ) throws(StartupFailure) -> Worker {
        guard !settings.mappings.isEmpty else { throw .noStreams }
        if Waitpoints.isOn { try announceFaults(log) }
        let end = ContinuousClock.now + wait
        let mappings = try checkWhenPossible(settings, until: end, stop)
        let redis = try connectRedis(settings, until: end, stop)
        let lease: SlotLease?
        do throws(RedisError) {
            lease = try SlotLease.acquire(
                group: settings.group, worker: settings.worker, token: HexUUID.random().digits, on: redis)
            warnAboutServer(try redis.serverFacts(), log)
        } catch {
            throw .redisRefused(settings.redis, error)
        }
        guard let lease else { throw .noSlot(worker: settings.worker) }
        if lease.number > 0 {
            log.notice(
                "another worker of this name is, or was just, running; using the next slot",
                metadata: ["worker": "\(settings.worker)", "slot": "\(lease.number)"])
        }
        let context = WorkerContext(
            settings: settings, mappings: mappings, identity: "\(settings.worker).\(lease.number)", stop: stop,
            log: log, metrics: PipelineMetrics(tables: settings.mappings.map(\.table)))
        do throws(RedisError) {
            // Before the first lane reads.
            try context.readPauses(redis)
        } catch {
            throw .redisRefused(settings.redis, error)
        }
        return Worker(context: context, lease: lease)
    }

    private static func announceFaults(_ log: Logger) throws(StartupFailure) {
        guard Waitpoints.shared.misunderstood.isEmpty else {
            throw .faults(Waitpoints.shared.misunderstood.joined(separator: ", "))
        }
        log.warning(
            "faults are injected on purpose: MILLRACE_FAULT is set",
            metadata: ["faults": "\(Waitpoints.shared.description)"])
    }

    /// Says what this Redis may lose before it is stored.
    private static func warnAboutServer(_ facts: ServerFacts, _ log: Logger) {
        if let policy = facts.maxMemoryPolicy, policy != "noeviction", facts.maxMemoryBytes ?? 0 > 0 {
            log.warning(
                "Redis may evict streams and lose their entries: set maxmemory-policy noeviction",
                metadata: ["maxmemory-policy": "\(policy)"])
        }
        if facts.usesAppendOnlyFile == false {
            log.warning("Redis forgets what is not stored yet when it ends: set appendonly yes")
        }
    }

    // MARK: Connections

    private static func connectPostgres(
        _ settings: PipelineSettings, until end: ContinuousClock.Instant, _ stop: StopSignal
    ) throws(StartupFailure) -> PostgresConnection {
        while true {
            do throws(PostgresError) {
                return try PostgresConnection.connect(
                    to: settings.postgres, applicationName: "millrace/\(settings.worker)/start",
                    deadline: .now + .seconds(5))
            } catch {
                if isRefusal(error) { throw .postgresRefused(settings.postgres, error) }
                guard .now < end, !stop.isRequested else { throw .postgresUnreachable(settings.postgres, error) }
                stop.pause(.milliseconds(250))
            }
        }
    }

    /// Whether waiting cannot help against what kept a connection from being made.
    static func isRefusal(_ error: PostgresError) -> Bool {
        switch FailureClass(startupRefusal: error.message, sqlState: error.sqlState?.code) {
        case .stop: true
        case .pause, .retry, .isolate, .conflict: error.kind == .configuration
        }
    }

    private static func connectRedis(
        _ settings: PipelineSettings, until end: ContinuousClock.Instant, _ stop: StopSignal
    ) throws(StartupFailure) -> RedisConnection {
        while true {
            do throws(RedisError) {
                let connection = try RedisConnection.connect(
                    to: settings.redis, name: "millrace/\(settings.worker)/start")
                try connection.command("PING")
                return connection
            } catch {
                if case .redis(_, .wantsPerson) = LaneFailure(error) { throw .redisRefused(settings.redis, error) }
                guard .now < end, !stop.isRequested else { throw .redisUnreachable(settings.redis, error) }
                stop.pause(.milliseconds(250))
            }
        }
    }

    // MARK: Mappings

    /// Somebody may hold a lock on a table, or the database go away while it is asked: that passes.
    private static func checkWhenPossible(
        _ settings: PipelineSettings, until end: ContinuousClock.Instant, _ stop: StopSignal
    ) throws(StartupFailure) -> [CheckedMapping] {
        while true {
            let postgres = try connectPostgres(settings, until: end, stop)
            defer { postgres.close() }
            do throws(StartupFailure) {
                return try check(settings.mappings, postgres)
            } catch {
                guard case .target(_, .postgres) = error, .now < end, !stop.isRequested else { throw error }
                stop.pause(.milliseconds(250))
            }
        }
    }

    static func check(
        _ mappings: [StreamMapping], _ postgres: PostgresConnection
    ) throws(StartupFailure) -> [CheckedMapping] {
        var checked: [CheckedMapping] = []
        for mapping in mappings { checked.append(try check(mapping, Catalog(postgres))) }
        return checked
    }

    /// Checks the mappings of one table, by their index.
    static func check(
        _ mappings: [StreamMapping], table: String, _ postgres: PostgresConnection
    ) throws(StartupFailure) -> [(index: Int, mapping: CheckedMapping)] {
        var checked: [(index: Int, mapping: CheckedMapping)] = []
        for (index, mapping) in mappings.enumerated() where mapping.table == table {
            checked.append((index, try check(mapping, Catalog(postgres))))
        }
        return checked
    }

    private static func check(
        _ mapping: StreamMapping, _ catalog: Catalog
    ) throws(StartupFailure) -> CheckedMapping {
        let description = try targetProblems(of: mapping) { () throws(TargetProblem) in
            try catalog.describe(mapping.tableName, deadline: .now + .seconds(10))
        }
        let plan: RowPlan
        do throws(PlanError) {
            plan = try RowPlan(mapping, columns: description.columns.map(CatalogColumn.init))
        } catch {
            throw .plan(error)
        }
        let target = try targetProblems(of: mapping) { () throws(TargetProblem) in
            try catalog.checkFunction(of: mapping.policy, for: description, deadline: .now + .seconds(10))
            return try CopyTarget(description, columns: plan.columns, policy: mapping.policy)
        }
        return CheckedMapping(plan: plan, target: target)
    }

    private static func targetProblems<Result>(
        of mapping: StreamMapping, _ body: () throws(TargetProblem) -> Result
    ) throws(StartupFailure) -> Result {
        do throws(TargetProblem) { return try body() } catch { throw .target(mapping: mapping.name, error) }
    }
}

extension StreamMapping {
    var tableName: TableName { Self.name(table) }

    /// `schema.name`, or a name that the search path finds.
    private static func name(_ text: String) -> TableName {
        guard let dot = text.firstIndex(of: ".") else { return TableName(text) }
        return TableName(schema: String(text[..<dot]), String(text[text.index(after: dot)...]))
    }

    var policy: PostgresCopy.ConflictPolicy {
        switch onConflict {
        case .error: .error
        case .ignore: .ignore(key: key)
        case .update:
            apply.map { .apply(key: key, version: version, function: Self.name($0)) }
                ?? .update(key: key, version: version, earliest: earliest)
        }
    }
}

extension CatalogColumn {
    init(_ column: ColumnDescription) {
        self.init(
            name: column.name, type: ColumnType(typeName: column.typeName, typmod: column.typmod),
            notNull: column.isNotNull, hasDefault: column.hasDefault || column.isGenerated,
            checkLength: column.checkLength)
    }
}
