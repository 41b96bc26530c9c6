import Foundation
import IngestTesting
import LocalServices
import Testing

extension EndToEnd {
    /// The primary is lost, and its standby had not received everything that was acknowledged.
    @Suite(.tags(.fault)) struct FailoverTests {
        @Test(arguments: [true, false])
        func aStandbyThatLacksAcknowledgedRowsStopsWorkersUntilItIsRefilled(isWorkerThere: Bool) async throws {
            let scene = try await Scene(ownPostgres: true)
            try scene.addTickers(1...2_000)
            try await scene.drain()
            let standby = try await Standby(of: scene.postgres)

            // The standby receives nothing of this.
            var worker = try scene.watched()
            try scene.addTickers(2_001...4_000)
            try await eventually("all is stored and acknowledged: \(worker.process.tail())") {
                try scene.count("market_data_ticker") == 4_000 && scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            if !isWorkerThere { try await scene.stop([worker]) }
            try await standby.takeOver(scene.postgres)
            #expect(try scene.count("market_data_ticker") == 2_000)
            try scene.addTickers(4_001...4_100)
            if !isWorkerThere { worker = try scene.watched("late") }

            let unready = try await HTTPProbe.get("/readyz", port: worker.port) {
                $0.status == 503 && $0.body.contains("went back")
            }
            #expect(unready?.body.contains("millrace reconcile") == true, "\(worker.process.tail())")
            try await Task.sleep(for: .seconds(1))
            #expect(try scene.count("market_data_ticker") == 2_000, "nothing is stored over the gap")
            let delivered = try scene.groupFact("entries-read", of: "md:ticker").flatMap { Int($0) } ?? 0
            #expect(try delivered - scene.pendingCount() <= 4_000, "nor acknowledged")

            let refill = try await scene.millrace(["reconcile"], settings: ["worker": "reconcile"])
            #expect(refill.status == 0, "\(refill.errors)")
            try await eventually(within: .seconds(30), "the worker goes on: \(worker.process.tail())") {
                try scene.count("market_data_ticker") == 4_100 && scene.pendingCount() == 0 && scene.isAllDelivered()
            }
            try await scene.stop([worker])
            #expect(try scene.number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == 4_100)
            #expect(try scene.covered() == 4_100)
            #expect(try scene.letterCount() == 0)
            await scene.stop()
            await scene.postgres.stop()
        }
    }
}

/// What a standby had received at one moment: a copy of the primary's cluster, to be promoted in its place.
private struct Standby {
    private let data: String
    private let copy: String

    init(of primary: LocalPostgres) async throws {
        data = primary.directory + "/data"
        copy = primary.directory + "/standby"
        await primary.stop()
        let (from, to) = (data, copy)
        try await onThread { try Self.run("/bin/cp", "-a", from, to) }
        try await primary.restart()
    }

    /// The primary ends as in a crash; the standby is promoted, to a timeline of its own, and has its address.
    func takeOver(_ primary: LocalPostgres) async throws {
        await primary.stop(mode: .immediate)
        let files = FileManager.default
        try files.moveItem(atPath: data, toPath: data + ".lost")
        try files.moveItem(atPath: copy, toPath: data)
        try Data().write(to: URL(filePath: data + "/standby.signal"))
        try await primary.restart()
        try await primary.run(sql: "SELECT pg_promote()", database: "postgres")
    }

    private static func run(_ program: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}
