import BlockingExecutor
import IngestCore
import IngestPipeline
import Logging
import Migrations
import PostgresWire
import RedisWire
import Settings

/// The checks before the first entry is read; they wait for servers, so they have a thread of their own.
actor Starter {
    private nonisolated let thread: BlockingThread

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init() throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "start")
    }

    func prepare(_ settings: Settings, stop: StopSignal, log: Logger) throws -> Worker {
        let endpoints = try ServerEndpoints(settings)
        let pipeline = PipelineSettings(settings, endpoints)
        do throws(StartupFailure) {
            try Worker.reach(pipeline, stop: stop, wait: settings.startup.wait)
        } catch {
            throw ApplicationFailure(error)
        }
        try requireSchema(endpoints.postgres, log)
        do throws(StartupFailure) {
            return try Worker.prepare(pipeline, stop: stop, log: log, wait: settings.startup.wait)
        } catch {
            throw ApplicationFailure(error)
        }
    }

    /// Rows must not go into tables of another version than the mappings were written for.
    private func requireSchema(_ endpoint: PostgresEndpoint, _ log: Logger) throws {
        do {
            let connection = try PostgresConnection.connect(to: endpoint, applicationName: "millrace/start")
            try Migrator(connection).requireCurrent()
            let tier = try DatabaseTier(connection)
            log.info(
                "the database's tier",
                metadata: ["tier": "\(tier.sentence)", "lacks": "\(tier.lacks.joined(separator: "; "))"])
        } catch let error as PostgresError {
            throw ApplicationFailure(.postgresUnreachable(endpoint, error))
        } catch let error as MigrationFailure {
            throw ApplicationFailure("\(error)", fix: "run `millrace migrate up`", isConfiguration: true)
        }
    }
}

extension ApplicationFailure {
    init(_ failure: StartupFailure) {
        self.init("\(failure)", fix: failure.fix, isConfiguration: failure.isConfiguration)
    }
}

extension StartupFailure {
    fileprivate var fix: String? {
        switch self {
        case .redisUnreachable: "start it, or give its address with redis.url or MILLRACE_REDIS_URL"
        case .postgresUnreachable: "start it, or give its address with postgres.url or MILLRACE_POSTGRES_URL"
        case .redisRefused: "check user, password and rights: redis.url, redis.password_file"
        case .postgresRefused(_, let error) where error.isPoolersRefusal:
            "take that parameter out of postgres.url, or have PgBouncer take it: ignore_startup_parameters"
        case .postgresRefused: "check user, password and database: postgres.url, postgres.password_file"
        case .target, .plan: "change the mapping or the table; `millrace config check` shows the configuration"
        case .noStreams: "name at least one stream; config/reference.yaml shows how"
        case .faults: "unset MILLRACE_FAULT: it is for fault tests alone"
        case .noThread: "see `ulimit -u` and the memory that is left"
        case .noSlot: "set worker to a name of its own"
        }
    }
}

extension PostgresError {
    fileprivate var isPoolersRefusal: Bool {
        FailureClass(startupRefusal: message, sqlState: sqlState?.code) == .stop(.poolerParameter)
    }
}
