import CoreMetrics
public import Logging

/// Installs the program's log handler and metrics backend. To be called once, before the first logger is made.
public enum Telemetry {
    /// Logs go to standard error.
    public static func bootstrapLogging(level: Logger.Level, format: LogFormat) {
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, level: level, format: format) }
    }

    /// - Parameter known: see ``PrometheusRegistry/init(catalog:known:)``.
    /// - Returns: the registry, for `/metrics`.
    public static func bootstrapMetrics(known: [String: [String]] = [:]) -> PrometheusRegistry {
        let registry = PrometheusRegistry(known: known)
        MetricsSystem.bootstrap(registry)
        return registry
    }
}
