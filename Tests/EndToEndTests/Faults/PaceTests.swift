import Foundation
import IngestTesting
import LocalServices
import RedisWire
import Testing

extension EndToEnd {
    /// What is large or slow costs time, and neither other streams nor other workers.
    @Suite(.tags(.fault)) struct PaceTests {
        /// All of it in one reply would take 15 s over this network; a reply has five.
        @Test func aBacklogOfLargePendingEntriesIsReadBackOverASlowNetwork() async throws {
            let scene = try await Scene()
            let proxy = try CuttingProxy(to: scene.redis.port)
            let note = String(repeating: "x", count: 200_000)
            try scene.command("XGROUP", "CREATE", "md:ticker", .text(Scene.group), "0", "MKSTREAM")
            for number in 1...300 {
                try scene.add(
                    "md:ticker",
                    ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "\(number)", "note": note])
            }
            try scene.command(
                "XREADGROUP", "GROUP", .text(Scene.group), "w.0.0", "COUNT", "300", "STREAMS", "md:ticker", ">")
            proxy.slow(rate: 4_000_000)
            let worker = try scene.watched(settings: ["redis.url": scene.redisURL(through: proxy), "lanes": "1"])
            try await scene.expectTickers(300, within: .seconds(90))
            for number in 301...310 {
                try scene.add(
                    "md:ticker", ["time": "1735689600", "exchange": "X", "symbol": "S", "bid_price": "\(number)"])
            }
            try await scene.expectTickers(310, within: .seconds(20))
            try await scene.stop([worker])
            await scene.stop()
        }

        /// A database that says nothing holds up whatever waits for it, but neither heartbeats nor the worker's name.
        @Test func aWorkerWhoseDatabaseIsSilentIsNotTakenForDead() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 500)
            let proxy = try CuttingProxy(to: scene.postgres.port)
            let worker = try scene.watched(settings: ["postgres.url": scene.postgresURL(through: proxy)])
            try await scene.expectRows("it works")
            proxy.stall()
            var (oldest, held) = (0, 0)
            var beats: Set<String> = []
            for _ in 1...60 {
                try await Task.sleep(for: .milliseconds(200))
                oldest = max(oldest, try scene.oldestHeartbeat())
                if let beat = try scene.command("HGET", "millrace:{millrace}:workers", "w.0.0").text {
                    beats.insert(beat)
                }
                held += try scene.command("EXISTS", "millrace:{millrace}:slot:w.0").integer == 1 ? 1 : 0
            }
            // Twelve seconds: without a thread of their own there would be one or two.
            #expect(beats.count >= 4 && held >= 30, "\(beats.count) heartbeats, \(held) looks at the name")
            if Proof.isOn { #expect((1...4_000).contains(oldest) && held == 60, "\(oldest) ms without a heartbeat") }
            proxy.stall(false)
            try await scene.expectRows("it goes on: \(worker.process.tail())", within: .seconds(40))
            try await scene.expectOnce(feeder, [worker])
            await scene.stop()
        }

        /// Somebody moves an entry to a lane that knows nothing of it; a twin process of its name might have, too.
        @Test func whatIsPendingForALaneThatDoesNotKnowOfItIsReadBack() async throws {
            let scene = try await Scene()
            let worker = try scene.watched(settings: ["lanes": "1", "claim.after": "2s"])
            try scene.addTickers(1...10)
            try await scene.expectTickers(10)
            worker.process.send(SIGSTOP)
            let id = try scene.addTickers(11...11)[0]
            try scene.command(
                "XREADGROUP", "GROUP", .text(Scene.group), "somebody", "COUNT", "1", "STREAMS", "md:ticker", ">")
            try scene.command("XCLAIM", "md:ticker", .text(Scene.group), "w.0.0", "0", .text(id), "JUSTID")
            worker.process.send(SIGCONT)
            try await scene.expectTickers(11, within: .seconds(30))
            #expect(!worker.log(has: "the lane starts over"), "it was read back, not found anew")
            try await scene.stop([worker])
            await scene.stop()
        }

        /// What stands in the way for long is tried ever more seldom.
        @Test func aLaneThatFailsAgainAndAgainTriesEverMoreSeldom() async throws {
            let scene = try await Scene()
            let worker = try scene.watched(settings: ["lanes": "1"])
            try scene.addTickers(1...10)
            try await scene.expectTickers(10)
            try scene.execute(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON market_data_ticker FOR EACH STATEMENT EXECUTE FUNCTION refuse()
                """)
            try scene.addTickers(11...20)
            try await eventually("it fails") { worker.log(has: "the lane starts over") }
            let began = ContinuousClock.now
            func failures() -> Int {
                worker.process.errorsSoFar.components(separatedBy: "the lane starts over").count - 1
            }
            try await Task.sleep(for: .seconds(10))
            let (count, seconds) = (failures(), (ContinuousClock.now - began) / .seconds(1))
            #expect(Double(count) <= 20 + seconds, "\(count) tries in \(seconds) s")
            try await eventually("it tries again: \(worker.process.tail())") { failures() >= 2 }
            try scene.execute("DROP TRIGGER refuse ON market_data_ticker")
            try await scene.expectTickers(20)
            #expect(try scene.letterCount() == 0)
            try await scene.stop([worker])
            await scene.stop()
        }
    }
}

extension Scene {
    /// Milliseconds since the lane of this group that was silent longest said that it lives.
    func oldestHeartbeat() throws -> Int {
        let time = try command("TIME").array?.compactMap(\.text).compactMap { Int($0) } ?? []
        let beats = try command("HVALS", "millrace:{\(Self.group)}:workers").array ?? []
        let oldest = beats.compactMap(\.text).compactMap { Int($0) }.min()
        guard time.count == 2, let oldest else { return .max }
        return time[0] * 1_000 + time[1] / 1_000 - oldest
    }
}
