import Foundation
import Glibc
import IngestTesting
import Testing

struct DevTests {
    private struct Addresses: Decodable {
        var redis: String
        var postgres: String
        var http: String
        var data: String?
        var retention: String
    }

    @Test func devCarriesEntriesAndStopsEverythingOnInterrupt() async throws {
        let dev = try MillraceProcess(["dev", "--temporary", "--json", "--port", "0"])
        let addresses = try await addresses(of: dev)
        #expect(addresses.data == nil && addresses.retention == "off")
        let environment = ["MILLRACE_REDIS_URL": addresses.redis, "MILLRACE_POSTGRES_URL": addresses.postgres]
        let published = try await MillraceProcess.run(
            ["generate", "trades", "--publish", "--count", "500"], environment: environment)
        #expect(published.status == 0, "\(published.errors)")
        try await wait(for: dev) {
            let stats = try await MillraceProcess.run(["stats", "--json"], environment: environment)
            return stats.output.contains(#""stored":500"#)
        }
        #expect(try await get(addresses.http, "/readyz").contains(#""ready":true"#))

        dev.send(SIGINT)
        let end = try await dev.wait(limit: .seconds(60))
        #expect(end.status == 0, "\(end.errors)")
        let after = try await MillraceProcess.run(["stats"], environment: environment)
        #expect(after.status == 1, "Redis still answers")
    }

    @Test func dataIsKeptInTheFolder() async throws {
        let folder = "/var/tmp/millrace-dev-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for round in 1...2 {
            let dev = try MillraceProcess(["dev", "--json", "--data", folder, "--port", "0"])
            let addresses = try await addresses(of: dev)
            let environment = ["MILLRACE_REDIS_URL": addresses.redis, "MILLRACE_POSTGRES_URL": addresses.postgres]
            if round == 1 {
                _ = try await MillraceProcess.run(
                    ["generate", "trades", "--publish", "--count", "100"], environment: environment)
            }
            try await wait(for: dev) {
                let stats = try await MillraceProcess.run(["stats", "--json"], environment: environment)
                return stats.output.contains(#""stored":100"#)
            }
            // Until the worker runs, a signal ends the program at once.
            try await wait(for: dev) { try await get(addresses.http, "/readyz").contains(#""ready":true"#) }
            dev.send(SIGTERM)
            #expect(try await dev.wait(limit: .seconds(60)).status == 0)
        }
    }

    private func addresses(of dev: MillraceProcess) async throws -> Addresses {
        try await wait(for: dev) { dev.outputSoFar.hasSuffix("\n") }
        return try JSONDecoder().decode(Addresses.self, from: Data(dev.outputSoFar.utf8))
    }

    /// Asks with what bash can do.
    private func get(_ address: String, _ path: String) async throws -> String {
        let port = address.split(separator: ":").last ?? ""
        let request = "GET \(path) HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
        let script = "exec 2>/dev/null 3<>/dev/tcp/127.0.0.1/\(port); printf '\(request)' >&3; cat <&3"
        return try await ShellScript(script, environment: [:]).run().output
    }

    private func wait(for dev: MillraceProcess, _ isDone: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while try await !isDone() {
            guard .now < end, dev.isRunning else { throw Ended(words: dev.tail()) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private struct Ended: Error {
        var words: String
    }
}
