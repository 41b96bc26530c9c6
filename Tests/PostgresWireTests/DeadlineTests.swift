import PostgresWire
import Testing

@Suite struct DeadlineTests {
    private func elapsed(_ body: () -> Void) -> Duration { ContinuousClock().measure(body) }

    @Test func connectingGivesUpOnASilentServer() async throws {
        let server = try SilentServer(.neverAnswers)
        let error = try await onThread {
            let endpoint = try PostgresEndpoint("host=127.0.0.1 port=\(server.port) user=x sslmode=disable")
            return failure { () throws(PostgresError) in
                try PostgresConnection.connect(
                    to: endpoint, applicationName: "x", deadline: .now + .milliseconds(200))
            }
        }
        #expect(error?.kind == .timeout)
        #expect(error?.isConnectionLost == true)
    }

    /// Such as one whose address swallows everything.
    @Test func aHostThatDoesNotAnswerLeavesTimeForTheNext() async throws {
        let server = try SilentServer(.neverAnswers)
        let database = try await TestDatabase()
        try await onThread {
            let real = try PostgresEndpoint(database.url)
            let place = "@\(real.host):\(real.port)"
            let endpoint = try PostgresEndpoint(
                database.url.replacing(place, with: "@127.0.0.1:\(server.port),\(place.dropFirst())"))
            let connection = try PostgresConnection.connect(
                to: endpoint, applicationName: "x", deadline: .now + .seconds(20))
            #expect(try connection.query("SELECT 1 AS n", deadline: .soon)[0].integer("n") == 1)
            let hosts = Array(repeating: "127.0.0.1", count: 30).joined(separator: ",")
            let all = try PostgresEndpoint("host=\(hosts) port=\(server.port) user=x sslmode=disable connect_timeout=1")
            var error: PostgresError?
            let time = ContinuousClock().measure {
                error = failure { () throws(PostgresError) in
                    try PostgresConnection.connect(to: all, applicationName: "x")
                }
            }
            #expect(error?.kind == .timeout)
            #expect((.milliseconds(900)...(.seconds(20))).contains(time), "all hosts share the time")
        }
    }

    @Test func sendingRowsGivesUpOnAServerThatDoesNotRead() async throws {
        let server = try SilentServer(.neverReadsRows)
        let (error, isOpen) = try await onThread {
            let endpoint = try PostgresEndpoint("host=127.0.0.1 port=\(server.port) user=x sslmode=disable")
            let connection = try PostgresConnection.connect(to: endpoint, applicationName: "x")
            try connection.send("COPY t FROM STDIN", deadline: .soon)
            guard case .copyIn = try connection.next(deadline: .soon) else { return (nil as PostgresError?, true) }
            let rows = [UInt8](repeating: 65, count: 64 << 20)
            let error = failure { () throws(PostgresError) in
                try connection.putCopyData(rows, deadline: .now + .milliseconds(300))
            }
            return (error, connection.isOpen)
        }
        #expect(error?.kind == .timeout)
        #expect(!isOpen)
    }

    @Test func aSlowQueryEndsAtItsDeadlineAndClosesTheConnection() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            var error: PostgresError?
            let clock = ContinuousClock()
            let time = clock.measure {
                error = failure { () throws(PostgresError) in
                    try connection.query("SELECT pg_sleep(30)", deadline: .now + .milliseconds(200))
                }
            }
            #expect(error?.kind == .timeout)
            #expect(time < .seconds(25))
            #expect(!connection.isOpen)
            let next = failure { () throws(PostgresError) in try connection.query("SELECT 1", deadline: .soon) }
            #expect(next?.isConnectionLost == true)
        }
    }

    @Test func aDeadlineInThePastStillEndsTheCall() async throws {
        let database = try await TestDatabase()
        try await onThread {
            let connection = try database.connect()
            let error = failure { () throws(PostgresError) in
                try connection.query("SELECT pg_sleep(30)", deadline: .now - .seconds(1))
            }
            #expect(error?.kind == .timeout)
        }
    }
}
