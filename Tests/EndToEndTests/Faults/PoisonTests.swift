import Foundation
import IngestTesting
import PostgresWire
import Testing

extension EndToEnd {
    /// Entries that workers die of.
    @Suite(.tags(.fault)) struct PoisonTests {
        /// Workers die of an entry whoever takes it, and are started again, as a supervisor would.
        @Test func entriesThatCrashTheWorkerAreCorneredAndTheirNeighboursAreStored() async throws {
            let scene = try await Scene()
            let poisons = Proof.pick([12], proof: [12, 13, 61])
            try scene.add(
                (0..<100).map { .trade(poisons.contains($0) ? "poison-\($0)" : "t\($0)") }
                    + (0..<20).map { .book($0) })
            var deaths = 0
            var isDone = false
            while !isDone, deaths < 40 {
                // Of the same name each time: it begins with what it had in hand when it died.
                let worker = try scene.watched(
                    "w", settings: ["lanes": "2"], environment: ["MILLRACE_FAULT": "crash-on=poison-"])
                while worker.process.isRunning, !isDone {
                    isDone = try scene.covered() == 120 && scene.pendingCount() == 0
                    try await Task.sleep(for: .milliseconds(50))
                }
                if isDone { try await scene.stop([worker]) } else { deaths += 1 }
                #expect(isDone || worker.log(has: "waitpoint crash-on: kill"), "\(worker.process.tail())")
            }
            #expect(isDone, "the worker goes on")
            // Each is read, met in company and then alone three times.
            #expect(deaths > 3 && deaths <= 5 * poisons.count, "\(deaths)")
            #expect(try scene.count("market_data_trades") == 100 - poisons.count)
            #expect(try scene.count("market_data_orderbook") == 20)
            let letters = try scene.rows(
                "SELECT cause, convert_from(ingest.dead_letter_payload(source_no, id), 'UTF8') AS raw FROM ingest.dead_letter"
            )
            #expect(try letters.map { row in try row.text("cause") == "crash" } == poisons.map { _ in true })
            for poison in poisons {
                #expect(try letters.contains { try $0.text("raw")?.contains("poison-\(poison)\r\n") == true })
            }
            #expect(try scene.count("ingest.suspect") == 0, "who lives forgets")
            await scene.stop()
        }

        /// Deaths in company condemn nobody, nor do two alone.
        @Test(.enabled(if: Proof.isOn)) func entriesThatWereThereWhenWorkersDiedAreStored() async throws {
            let scene = try await Scene()
            try scene.add((0..<60).map { .trade("t\($0)") })
            for _ in ["new", "in company", "alone", "alone"] {
                let worker = try scene.doomed("w", "mid-copy:kill")
                try await worker.process.wait()
                #expect(worker.log(has: "waitpoint mid-copy: kill"))
            }
            #expect(try scene.number("SELECT max(lone_attempts) FROM ingest.suspect") == 2)
            let worker = try scene.watched("w")
            try await eventually("stored") { try scene.covered() == 60 && scene.pendingCount() == 0 }
            try await eventually("forgotten") { try scene.count("ingest.suspect") == 0 }
            try await scene.stop([worker])
            #expect(try scene.count("market_data_trades") == 60 && scene.letterCount() == 0)
            await scene.stop()
        }
    }
}
