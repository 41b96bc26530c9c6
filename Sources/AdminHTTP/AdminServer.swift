import Glibc
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

/// Serves `/healthz`, `/readyz`, `/metrics` and `/version`.
///
/// `/healthz` answers as long as the process lives. When a token is set, `/metrics` and `/version` need it, and
/// `/readyz` tells its checks only to those who have it.
public struct AdminServer: Service {
    private let configuration: AdminConfiguration
    private let content: AdminContent
    private let logger: Logger
    private let didListen: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - metrics: the text of `/metrics` in Prometheus' format 0.0.4.
    ///   - didListen: called once with the port that connections are accepted on.
    public init(
        _ configuration: AdminConfiguration, readiness: any ReadinessReporting, version: VersionInfo, logger: Logger,
        metrics: @escaping @Sendable () -> String, didListen: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        content = AdminContent(readiness: readiness, version: version, metrics: metrics)
        self.logger = logger
        self.didListen = didListen
    }

    /// Runs until a graceful shutdown or cancellation, and finishes requests that were begun.
    /// - Throws: ``AdminServerError/cannotListen(host:port:reason:)`` when the address cannot be had.
    public func run() async throws {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: AdminGate(configuration: configuration))
        content.addRoutes(to: router, configuration: configuration)
        let application = Application(
            responder: router.buildResponder(),
            server: .http1(
                configuration: .init(idleTimeout: .seconds(30), httpDecoderConfiguration: Self.decoderLimits)),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "millrace"),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { didListen(port) }
            },
            logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminServerError.cannotListen(
                host: configuration.host, port: configuration.port, reason: String(cString: strerror(error.errnoCode)))
        }
    }

    private static let decoderLimits = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: 8192, maxHeaderListSize: 16384, maxHeaderFieldCount: 64)
}
