import AdminHTTP
import Logging
import ServiceLifecycle
import Testing

private struct FixedReadiness: ReadinessReporting {
    var report: ReadinessReport

    func readiness() async -> ReadinessReport { report }
}

@Suite(.timeLimit(.minutes(15))) struct AdminServerTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let ready = ReadinessReport(checks: [.init("redis", isPassing: true)])
    private static let broken = ReadinessReport(checks: [
        .init("redis", isPassing: true), .init("postgres", isPassing: false, detail: "no \"route\""),
    ])

    private func serving(
        _ configuration: AdminConfiguration, readiness: ReadinessReport = ready,
        _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let server = AdminServer(
            configuration, readiness: FixedReadiness(report: readiness),
            version: VersionInfo(version: "1.2.3", details: ["swift": "6.3"]), logger: Self.quiet,
            metrics: { "millrace_worker_up 1\n" },
            didListen: { continuation.yield($0) })
        let group = ServiceGroup(services: [server], logger: Self.quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                try await body(port)
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func healthAnswersOnAPortOfTheSystemsChoice() async throws {
        try await serving(try AdminConfiguration(port: 0)) { port in
            #expect(port > 0)
            let reply = try #require(await RawClient.get("/healthz", port: port))
            #expect(reply.status == 200)
            #expect(reply.body == "{\"status\":\"ok\"}\n")
            #expect(reply.headers["x-content-type-options"] == "nosniff")
        }
    }

    @Test func readinessListsItsChecksAnd503WhenOneFails() async throws {
        try await serving(try AdminConfiguration(port: 0), readiness: Self.broken) { port in
            let reply = try #require(await RawClient.get("/readyz", port: port))
            #expect(reply.status == 503)
            #expect(
                reply.body == """
                    {"ready":false,"checks":[{"name":"redis","ok":true},\
                    {"name":"postgres","ok":false,"detail":"no \\"route\\""}]}

                    """)
        }
        try await serving(try AdminConfiguration(port: 0)) { port in
            #expect(await RawClient.get("/readyz", port: port)?.status == 200)
        }
    }

    @Test func metricsAndVersionAreServed() async throws {
        try await serving(try AdminConfiguration(port: 0)) { port in
            let metrics = try #require(await RawClient.get("/metrics", port: port))
            #expect(metrics.body == "millrace_worker_up 1\n")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let version = try #require(await RawClient.get("/version", port: port))
            #expect(version.body == "{\"version\":\"1.2.3\",\"swift\":\"6.3\"}\n")
        }
    }

    @Test func foreignHostsAreRefused() async throws {
        let configuration = try AdminConfiguration(port: 0, allowedHosts: ["millrace.example"])
        try await serving(configuration) { port in
            #expect(await RawClient.get("/healthz", port: port, host: "evil.example")?.status == 421)
            #expect(await RawClient.get("/healthz", port: port, host: "127.0.0.1.evil.example")?.status == 421)
            #expect(await RawClient.get("/healthz", port: port, host: "localhost:\(port)")?.status == 200)
            #expect(await RawClient.get("/healthz", port: port, host: "Millrace.Example:80")?.status == 200)
            #expect(await RawClient.get("/healthz", port: port, host: "[::1]:\(port)")?.status == 200)
            #expect(await RawClient.get("/healthz", port: port, host: nil)?.status != 200)
        }
    }

    @Test func onlyReadingMethodsAreServed() async throws {
        try await serving(try AdminConfiguration(port: 0)) { port in
            let post = try #require(await RawClient.get("/healthz", port: port, method: "POST"))
            #expect(post.status == 405)
            #expect(post.headers["allow"] == "GET, HEAD")
            let unknown = try #require(await RawClient.get("/nothing", port: port))
            #expect(unknown.status == 404)
            #expect(unknown.headers["content-type"] == "application/problem+json")
        }
    }

    @Test func theTokenOpensWhatIsNotForEverybody() async throws {
        let configuration = try AdminConfiguration(port: 0, token: "s3cret")
        try await serving(configuration, readiness: Self.broken) { port in
            let right = ["Authorization: Bearer s3cret"]
            #expect(await RawClient.get("/metrics", port: port)?.status == 401)
            let wrong = ["Authorization: Bearer s3creT"]
            #expect(await RawClient.get("/metrics", port: port, headers: wrong)?.status == 401)
            #expect(await RawClient.get("/metrics", port: port, headers: right)?.status == 200)
            #expect(await RawClient.get("/healthz", port: port)?.status == 200)
            let closed = try #require(await RawClient.get("/readyz", port: port))
            #expect(closed.status == 503)
            #expect(closed.body == "{\"ready\":false}\n")
            #expect(await RawClient.get("/readyz", port: port, headers: right)?.body.contains("postgres") == true)
        }
    }

    @Test func anotherAddressNeedsAToken() throws {
        #expect(throws: AdminServerError.tokenRequired(host: "0.0.0.0")) {
            try AdminConfiguration(host: "0.0.0.0")
        }
        #expect(throws: AdminServerError.tokenRequired(host: "127.evil.example")) {
            try AdminConfiguration(host: "127.evil.example", token: "")
        }
        #expect(try AdminConfiguration(host: "0.0.0.0", token: "t").host == "0.0.0.0")
        #expect(try AdminConfiguration(host: "::1").host == "::1")
    }

    @Test func aTakenPortIsNamed() async throws {
        try await serving(try AdminConfiguration(port: 0)) { port in
            let second = AdminServer(
                try AdminConfiguration(port: port), readiness: FixedReadiness(report: Self.ready),
                version: VersionInfo(version: "1"), logger: Self.quiet, metrics: { "" })
            await #expect {
                try await second.run()
            } throws: { error in
                guard case .cannotListen(_, port, let reason) = error as? AdminServerError else { return false }
                return reason.contains("in use")
            }
        }
    }

    @Test func theTokenIsNeverPrinted() throws {
        let configuration = try AdminConfiguration(port: 0, token: "s3cret")
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!"\(configuration) \(String(reflecting: configuration)) \(dumped)".contains("s3cret"))
    }
}
