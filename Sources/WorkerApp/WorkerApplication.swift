import AdminHTTP
import BlockingExecutor
public import IngestPipeline
public import Logging
import Migrations
import PostgresWire
import ServiceLifecycle
public import Settings
public import Telemetry

/// What `millrace run` is made of, in the order it starts: checks, the HTTP service, the worker. It stops in the other
/// order: the worker finishes its batches and hands back what is pending, then the HTTP service ends.
public struct WorkerApplication: Sendable {
    private let settings: Settings
    private let version: String
    private let registry: PrometheusRegistry
    private let log: Logger

    public init(settings: Settings, version: String, registry: PrometheusRegistry, log: Logger) {
        self.settings = settings
        self.version = version
        self.registry = registry
        self.log = log
    }

    /// A worker that has passed every check and does not run.
    public static func prepare(_ settings: Settings, log: Logger) async throws -> Worker {
        try await Starter().prepare(settings, stop: StopSignal(), log: log)
    }

    /// Runs until SIGTERM, SIGINT or SIGHUP, or until everything is drained.
    /// - Returns: how it ended; `nil` when it was stopped before it began.
    /// - Throws: ``ApplicationFailure`` when it cannot start.
    public func run(draining drain: Worker.Drain?) async throws -> Worker.RunEnd? {
        registry.set(MetricCatalog.buildInfo, [("version", version)], to: 1)
        let stop = StopSignal()
        let worker = try await Starter().prepare(settings, stop: stop, log: log)
        let service = WorkerService(
            worker: worker, drain: drain, grace: settings.shutdown.grace, registry: registry, log: log)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if settings.http.enabled {
            services.append(.init(service: try adminServer(worker), failureTerminationBehavior: .cancelGroup))
        }
        services.append(
            .init(
                service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .cancelGroup))
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: EndingSignals.all, logger: quietLog))
        do {
            try await group.run()
        } catch let error as AdminServerError {
            throw ApplicationFailure("\(error)", fix: "set http.address, or http.enabled=false", isConfiguration: true)
        }
        return service.outcome.value
    }

    /// The group tells of every step at `info`; those are ours to tell.
    private var quietLog: Logger {
        var quiet = log
        quiet.logLevel = max(log.logLevel, .warning)
        return quiet
    }

    private func adminServer(_ worker: Worker) throws -> AdminServer {
        let configuration: AdminConfiguration
        do throws(AdminServerError) {
            configuration = try AdminConfiguration(
                host: settings.http.address.host, port: settings.http.address.port, token: settings.http.token?.value,
                allowedHosts: settings.http.allowedHosts)
        } catch {
            throw ApplicationFailure("\(error)", isConfiguration: true)
        }
        let registry = registry
        let log = log
        return AdminServer(
            configuration, readiness: WorkerReadiness(worker: worker), version: VersionInfo(version: version),
            logger: quietLog, metrics: { registry.render() },
            didListen: { port in log.info("serving health and metrics", metadata: ["port": "\(port)"]) })
    }
}

/// Why `run` does not start: one sentence, and what to do about it.
public struct ApplicationFailure: Error, Sendable {
    public let message: String
    public let fix: String?
    /// Somebody has to change something: exit code 78. Otherwise a server was away: 1.
    public let isConfiguration: Bool

    init(_ message: String, fix: String? = nil, isConfiguration: Bool) {
        self.message = message
        self.fix = fix
        self.isConfiguration = isConfiguration
    }
}
