import HTTPTypes
import Hummingbird

/// Refuses what no route should see: foreign `Host` names and methods that could change something.
struct AdminGate: RouterMiddleware {
    typealias Context = BasicRequestContext

    let configuration: AdminConfiguration

    // Hummingbird is compiled without NonisolatedNonsendingByDefault: its functions leave the caller's isolation.
    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let authority = request.head.authority,
            HostName.isAllowed(authority, names: configuration.allowedHosts)
        else {
            return Answer.problem(
                .misdirectedRequest, "unknown host", "Add the name to http.allowed_hosts, or use the address.")
        }
        guard request.method == .get || request.method == .head else {
            var answer = Answer.problem(.methodNotAllowed, "method not allowed", "Only GET and HEAD are served.")
            answer.headers[.allow] = "GET, HEAD"
            return answer
        }
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return Answer.problem(.notFound, "not found", "There is /healthz, /readyz, /metrics and /version.")
        }
    }
}

extension AdminConfiguration {
    /// The request carries the token, or none is set.
    func isAuthorized(_ request: Request) -> Bool {
        guard let token else { return true }
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix("bearer ") else {
            return false
        }
        return token.matches(header.dropFirst(7))
    }
}
