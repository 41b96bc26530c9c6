import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension Tag {
    /// Something is broken on purpose. docs/faults.md is the table of these tests.
    @Tag static var fault: Self
}

/// `MILLRACE_PROVE=1`: what takes long runs, too, and what runs anyway runs for longer.
enum Proof {
    static let isOn = ProcessInfo.processInfo.environment["MILLRACE_PROVE"] == "1"

    static func pick<Value>(_ always: Value, proof: Value) -> Value { isOn ? proof : always }
}

/// A worker whose metrics can be asked for.
struct WatchedWorker: Sendable {
    let process: MillraceProcess
    let port: Int

    /// A series, added up over its labels; 0 when nobody answers for half a minute.
    func metric(_ series: String, _ labels: String = "") async -> Int {
        let reply = try? await HTTPProbe.get("/metrics", port: port, within: .seconds(30)) { _ in true }
        return Int(reply?.series(series, labels) ?? 0)
    }

    func log(has text: String) -> Bool { process.errorsSoFar.contains(text) }
}

extension Scene {
    func watched(
        _ name: String = "w", settings: [String: String] = [:], environment: [String: String] = [:],
        launcher: [String] = []
    ) throws -> WatchedWorker {
        let port = HTTPProbe.freePort()
        let own = [
            "lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)", "claim.every": "500ms",
        ]
        return WatchedWorker(
            process: try worker(
                name, settings: own.merging(settings) { $1 }, environment: environment, launcher: launcher),
            port: port)
    }

    /// A worker that has a fault ahead of it: one lane, so that the place is passed soon.
    func doomed(_ name: String, _ fault: String, settings: [String: String] = [:]) throws -> WatchedWorker {
        try watched(
            name, settings: ["lanes": "1"].merging(settings) { $1 }, environment: ["MILLRACE_FAULT": fault])
    }

    func redisURL(through proxy: CuttingProxy) -> String { "redis://127.0.0.1:\(proxy.port)" }

    func postgresURL(through proxy: CuttingProxy) -> String {
        databaseURL.replacing("127.0.0.1:\(postgres.port)", with: "127.0.0.1:\(proxy.port)")
    }

    /// Ends a load: everything is stored and acknowledged without anybody's help, workers stop well, the oracle agrees.
    func expectOnce(
        _ feeder: Feeder, _ workers: [WatchedWorker],
        within limit: Duration = Proof.pick(.seconds(120), proof: .seconds(40)), redisForgets: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        feeder.stop()
        try await feeder.finish()
        try await eventually(
            within: limit, "nothing stays pending: \(workers.map { $0.process.tail() })", sourceLocation: sourceLocation
        ) { try pendingCount() == 0 && isAllDelivered() }
        try await stop(workers, sourceLocation: sourceLocation)
        try await feeder.expectEverythingStoredOnce(redisForgets: redisForgets, sourceLocation: sourceLocation)
    }

    /// SIGTERM to those that live, unless something else makes them end; each must end well.
    func stop(
        _ workers: [WatchedWorker], asking: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for worker in workers where asking && worker.process.isRunning { worker.process.send(SIGTERM) }
        for worker in workers {
            let result = try await worker.process.wait()
            #expect(result.status == 0 || result.status == SIGKILL, sourceLocation: sourceLocation)
            #expect(!result.errors.contains("Fatal error"), sourceLocation: sourceLocation)
        }
    }

    /// Waits until more tickers are stored than there are now.
    func expectRows(
        _ what: @autoclosure () -> Comment, more: Int = 300, of table: String = "market_data_ticker",
        within limit: Duration = Proof.pick(.seconds(60), proof: .seconds(20)),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var before: Int?
        try await eventually(within: limit, what(), sourceLocation: sourceLocation) {
            let now = try count(table)
            if before == nil { before = now }
            return now > (before ?? now) + more
        }
    }

    /// `n` tickers, each with a price of its own, to a stream that holds nothing else.
    @discardableResult
    func addTickers(_ numbers: ClosedRange<Int>, milliseconds: Int? = nil) throws -> [String] {
        var commands = CommandBuffer()
        for (index, number) in numbers.enumerated() {
            commands.append(
                "XADD", "md:ticker", .text(milliseconds.map { "\($0)-\(index + 1)" } ?? "*"), "time", "1735689600",
                "exchange", "X", "symbol", "S", "bid_price", .integer(number))
        }
        let replies = try onRedis().pipeline(commands)
        try #require(replies.allSatisfy { $0.error == nil })
        return replies.compactMap(\.text)
    }

    /// So many different tickers are stored, each once, and the ledger accounts for `covered` entries.
    func expectTickers(
        _ rows: Int, covered expected: Int? = nil, within limit: Duration = .seconds(30),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually(within: limit, "\(rows) tickers", sourceLocation: sourceLocation) {
            try count("market_data_ticker") >= rows && pendingCount() == 0 && isAllDelivered()
        }
        #expect(try count("market_data_ticker") == rows, sourceLocation: sourceLocation)
        #expect(
            try number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == rows,
            sourceLocation: sourceLocation)
        #expect(try covered() == expected ?? rows, sourceLocation: sourceLocation)
    }

    /// The sessions of lanes in this database.
    func lanePIDs() throws -> [Int32] {
        try rows(
            """
            SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace/%'
               AND application_name NOT LIKE '%housekeeper'
            """
        ).map { Int32(try $0.requiredInteger("pid")) }
    }

    /// How long a command took also counts the time in which Redis was not let run: on a machine where worker and
    /// PostgreSQL stand on the same processors, most of it. So Redis goes first, where we may say so; where not, checks
    /// of its times are only harder.
    func letRedisGoFirst() {
        guard let server = redis.pid else { return }
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(server), -10)
    }

    /// Reads of workers that wait at the server.
    func waitingReads() throws -> Int {
        (try command("CLIENT", "LIST").text ?? "").split(separator: "\n").count { client in
            client.contains(" name=millrace/") && client.firstMatch(of: /\bflags=\w*b/) != nil
        }
    }

    /// Ends every session of workers.
    func terminateSessions() throws -> Int {
        try rows(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '\(database)' AND application_name LIKE 'millrace/%'
            """
        ).count
    }
}

/// Most memory a process ever had, in megabytes.
func highWaterMark(of pid: Int32) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return 0 }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
    return words.count > 1 ? (Int(words[1]) ?? 0) / 1024 : 0
}
