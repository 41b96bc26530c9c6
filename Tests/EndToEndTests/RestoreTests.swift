import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// A database that was restored from a copy lacks what workers had acknowledged since. `reconcile` brings it back.
    struct RestoreTests {
        @Test func reconcileRefillsARestoredDatabaseWhileWorkersAndProducersLive() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 3_000)
            try await store(atLeast: 3_000, in: scene)
            let copy = try await scene.copyDatabase()

            let ports = (1...2).map { _ in HTTPProbe.freePort() }
            let workers = try zip(1..., ports).map { number, port in
                try scene.worker(
                    "w\(number)",
                    settings: ["lanes": "2", "http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            }
            let before = try scene.count("market_data_ticker")
            try await eventually("rows come that the copy lacks") {
                try scene.count("market_data_ticker") > before + 3_000
            }
            try await scene.restore(copy)
            for port in ports {
                let unready = try await HTTPProbe.get("/readyz", port: port) { $0.body.contains("went back") }
                #expect(unready?.body.contains("millrace reconcile") == true, "the way out is told")
            }
            #expect(try scene.count("market_data_ticker") < before + 3_000)

            let reconciled = try await scene.millrace(["reconcile", "--json"], settings: ["worker": "reconcile"])
            #expect(reconciled.status == 0, "\(reconciled.errors)")
            #expect(try Refill(reconciled.output).restored > 3_000)
            for port in ports {
                let ready = try await HTTPProbe.get("/readyz", port: port) { $0.status == 200 }
                #expect(ready?.status == 200, "workers go on by themselves")
            }
            feeder.stop()
            try await feeder.finish()
            for worker in workers {
                worker.send(SIGTERM)
                #expect(try await worker.wait().status == 0)
            }
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()

            let again = try await scene.millrace(["reconcile", "--json"], settings: ["worker": "reconcile"])
            #expect(try Refill(again.output).restored == 0, "what is stored is not stored again")
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        /// The restored database has never heard of the stream: its entries were acknowledged under a number that is free
        /// again, and may be given to another stream.
        @Test func streamsYoungerThanTheCopyAreRefilledToo() async throws {
            let scene = try await Scene()
            try add(1...50, to: "ticker-X-1", in: scene)
            try await scene.drain()
            let copy = try await scene.copyDatabase()
            try add(51...100, to: "ticker-X-2", in: scene)
            try await scene.drain()
            try await scene.restore(copy)
            try add(101...150, to: "ticker-X-0", in: scene)

            let drain = try await scene.millrace(["run", "--drain", "--timeout", "3s"], limit: .seconds(30))
            #expect(drain.status == 1, "nothing may be acknowledged before the refill: \(drain.errors)")
            let reconciled = try await scene.millrace(["reconcile", "--json"])
            #expect(reconciled.status == 0, "\(reconciled.errors)")
            try await scene.drain()
            #expect(try scene.number("SELECT count(*) FROM market_data_ticker") == 150)
            #expect(try scene.number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == 150)
            #expect(try scene.covered() == 150)
            await scene.stop()
        }

        /// What reconcile leaves out nobody would bring again: Redis counts it as acknowledged.
        @Test func aTableThatTakesNoRowsEndsTheRefillAndTheGuardStays() async throws {
            let scene = try await Scene()
            try add(1...100, to: "ticker-X-1", in: scene)
            try await scene.drain()
            let copy = try await scene.copyDatabase()
            try add(101...200, to: "ticker-X-1", in: scene)
            try await scene.drain()
            try await scene.restore(copy)
            try scene.execute("ALTER TABLE market_data_ticker ADD CONSTRAINT never CHECK (false) NOT VALID")

            let refused = try await scene.millrace(["reconcile"])
            #expect(refused.status == 1)
            #expect(refused.errors.contains("table market_data_ticker takes no rows"), "\(refused.errors)")
            try scene.execute("ALTER TABLE market_data_ticker DROP CONSTRAINT never")
            let drain = try await scene.millrace(["run", "--drain", "--timeout", "3s"], limit: .seconds(30))
            #expect(drain.status == 1, "workers go on waiting: \(drain.errors)")
            let reconciled = try await scene.millrace(["reconcile", "--json"])
            #expect(reconciled.status == 0, "\(reconciled.errors)")
            #expect(try Refill(reconciled.output).restored == 100)
            #expect(try scene.letterCount() == 0)
            #expect(try scene.number("SELECT count(DISTINCT bid_price) FROM market_data_ticker") == 200)
            #expect(try scene.number("SELECT count(*) FROM market_data_ticker") == 200)
            await scene.stop()
        }

        /// What was never delivered is the workers' to read.
        @Test func whatWasNeverDeliveredIsNotRefilled() async throws {
            let scene = try await Scene()
            try add(1...100, to: "ticker-X-1", in: scene)
            try await scene.drain()
            try add(101...150, to: "ticker-X-1", in: scene)
            let reconciled = try await scene.millrace(["reconcile", "--json"])
            #expect(reconciled.status == 0, "\(reconciled.errors)")
            #expect(try Refill(reconciled.output).entries == 100)
            #expect(try Refill(reconciled.output).restored == 0)
            #expect(try scene.count("market_data_ticker") == 100)
            await scene.stop()
        }

        private func store(atLeast rows: Int, in scene: Scene) async throws {
            let worker = try scene.worker()
            try await eventually("\(rows) rows") { try scene.count("market_data_ticker") > rows }
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
        }

        private func add(_ numbers: ClosedRange<Int>, to stream: String, in scene: Scene) throws {
            var commands = CommandBuffer()
            for number in numbers {
                commands.append(
                    "XADD", .text(stream), "*", "timestamp", "1735689600", "exchange", "X", "symbol", "S",
                    "receipt_timestamp", "1735689600", "ask", "None", "bid", .integer(number))
            }
            let replies = try scene.onRedis().pipeline(commands)
            try #require(replies.allSatisfy { $0.error == nil })
        }

        private struct Refill: Decodable {
            var entries: Int
            var restored: Int

            init(_ json: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) }
        }
    }
}

extension Scene {
    /// Copies the database as it is. Nobody may be connected to it.
    func copyDatabase() async throws -> String {
        let copy = database + "_copy"
        try await postgres.run(sql: "CREATE DATABASE \(copy) TEMPLATE \(database)", database: "postgres")
        return copy
    }

    /// Puts a copy in the database's place, under workers that live.
    func restore(_ copy: String) async throws {
        // The name must not be free for a moment only: sessions are refused, then ended, then names change.
        try await postgres.run(sql: "ALTER DATABASE \(database) ALLOW_CONNECTIONS false", database: "postgres")
        try await postgres.dropDatabase(named: database)
        try await postgres.run(sql: "ALTER DATABASE \(copy) RENAME TO \(database)", database: "postgres")
    }
}
