/// Whether this process can do its work, and why not.
public struct ReadinessReport: Equatable, Sendable {
    public struct Check: Equatable, Sendable {
        /// Such as `redis`, `postgres`, `groups`, `schema`.
        public var name: String
        public var isPassing: Bool
        /// For operators, without secrets and record data.
        public var detail: String?

        public init(_ name: String, isPassing: Bool, detail: String? = nil) {
            self.name = name
            self.isPassing = isPassing
            self.detail = detail
        }
    }

    public var checks: [Check]

    public init(checks: [Check]) {
        self.checks = checks
    }

    /// Every check passes.
    public var isReady: Bool { checks.allSatisfy(\.isPassing) }
}

/// Answers `/readyz`. It is asked for every request, so it should answer from what the pipeline knows already.
public protocol ReadinessReporting: Sendable {
    func readiness() async -> ReadinessReport
}

/// What `/version` tells.
public struct VersionInfo: Equatable, Sendable {
    public var version: String
    public var details: [String: String]

    public init(version: String, details: [String: String] = [:]) {
        self.version = version
        self.details = details
    }
}
