import HTTPTypes
import Hummingbird

/// The routes and what they answer.
struct AdminContent: Sendable {
    let readiness: any ReadinessReporting
    let version: VersionInfo
    let metrics: @Sendable () -> String

    func addRoutes(to router: Router<BasicRequestContext>, configuration: AdminConfiguration) {
        router.get("/healthz") { _, _ in Answer.json(.ok, [("status", .text("ok"))]) }
        router.get("/readyz") { request, _ in
            await ready(showsChecks: configuration.isAuthorized(request))
        }
        router.get("/metrics") { request, _ in
            guard configuration.isAuthorized(request) else { return Answer.unauthorized() }
            return Answer.make(.ok, "text/plain; version=0.0.4; charset=utf-8", metrics())
        }
        router.get("/version") { request, _ in
            guard configuration.isAuthorized(request) else { return Answer.unauthorized() }
            let details = version.details.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.text($0.value)) }
            return Answer.json(.ok, [("version", .text(version.version))] + details)
        }
    }

    private func ready(showsChecks: Bool) async -> Response {
        let report = await readiness.readiness()
        var members: [(String, JSONValue)] = [("ready", .flag(report.isReady))]
        if showsChecks {
            members.append(("checks", .list(report.checks.map(Self.describe))))
        }
        return Answer.json(report.isReady ? .ok : .serviceUnavailable, members)
    }

    private static func describe(_ check: ReadinessReport.Check) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .text(check.name)), ("ok", .flag(check.isPassing))]
        if let detail = check.detail { members.append(("detail", .text(detail))) }
        return .object(members)
    }
}
