import Foundation
import IngestTesting
import LocalServices
import PostgresWire
import RedisWire
import Testing

extension EndToEnd {
    struct ShutdownTests {
        @Test func sigtermUnderLoadEndsInTimeAndLeavesNothingBehind() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 10_000, entries: 60_000)
            let worker = try scene.worker(settings: ["lanes": "2"])
            try await eventually("rows come") { try scene.count("market_data_ticker") > 2_000 }

            let asked = ContinuousClock.now
            worker.send(SIGTERM)
            let result = try await worker.wait()
            #expect(result.status == 0, "\(result.errors)")
            #expect(ContinuousClock.now - asked < Proof.pick(.seconds(60), proof: .seconds(10)))
            #expect(result.errors.contains("stopped"))
            #expect(try scene.pendingOfLiving(except: "released") == 0, "what was pending is handed back")
            // A server notices a moment later that its client has gone.
            try await eventually("sessions are gone") {
                try scene.count(
                    "pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace/%'") == 0
            }

            feeder.stop()
            try await feeder.finish()
            // Nothing has to look abandoned first.
            let next = try scene.watched("next", settings: ["claim.after": "10m"])
            try await eventually("what was handed back is taken: \(next.process.tail())") {
                try scene.isAllDelivered() && scene.pendingByConsumer()["released", default: 0] == 0
            }
            try await scene.stop([next])
            try await scene.drain()
            try await feeder.expectEverythingStoredOnce()
            await scene.stop()
        }

        /// Entries that trickle in cost a transaction each, or one for many.
        @Test func lingeringMakesFewBatchesOfManyReads() async throws {
            let scene = try await Scene()
            let worker = try scene.worker(settings: ["lanes": "1", "batching.linger": "400ms"])
            try await eventually("it works") { worker.errorsSoFar.contains("carrying entries") }
            let before = try transactions(scene)
            let began = ContinuousClock.now
            for number in 1...200 {
                try addTicker(scene, "ticker-X-\(number % 2)")
                try await Task.sleep(for: .milliseconds(10))
            }
            try await eventually("all are stored") {
                try scene.count("market_data_ticker") == 200 && scene.pendingCount() == 0
            }
            // One in 400 ms, in about two seconds; fetching them one by one would have been two hundred.
            let most = Int((ContinuousClock.now - began) / .milliseconds(400)) + 3
            let count = try transactions(scene) - before
            #expect(count >= 2 && count <= most, "\(count) transactions")
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        /// Ranges in the ledger: one for each stream of a batch.
        private func transactions(_ scene: Scene) throws -> Int {
            try scene.count("(SELECT DISTINCT committed_at FROM ingest.ledger) AS t")
        }

        /// A lane reads its neighbours' streams, too: what it holds of those is handed over like the rest.
        @Test func whatIsPendingOfAnyStreamIsHandedOver() async throws {
            let scene = try await Scene()
            let worker = try scene.worker("going", settings: ["lanes": "1"])
            let streams = (1...6).map { "ticker-X-\($0)" }
            for stream in streams { try addTicker(scene, stream) }
            try await eventually("the worker has seen all") { try scene.count("market_data_ticker") == 6 }
            let other = try scene.worker(
                "staying", settings: ["lanes": "1", "claim.every": "500ms", "claim.after": "10m"])
            try await eventually("both live") { try scene.command("HLEN", "millrace:{millrace}:workers").integer == 2 }
            // Each has heard of the other, and some of the streams are the other's now.
            try await Task.sleep(for: .seconds(3))
            for stream in streams { try addTicker(scene, stream, heldBy: "going.0.0") }
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            try await eventually("the other takes over at once") {
                try scene.count("market_data_ticker") == 12 && scene.pendingCount() == 0
            }
            other.send(SIGTERM)
            try await other.wait()
            await scene.stop()
        }

        /// A worker that starts under a former one's name, and comes to know a stream only later.
        @Test func ownPendingEntriesAreFoundInStreamsThatComeLater() async throws {
            let scene = try await Scene()
            try addTicker(scene, "ticker-X-1")
            try await scene.drain()
            try addTicker(scene, "ticker-X-1", heldBy: "again.0.0")
            let stream = try #require(try scene.command("DUMP", "ticker-X-1").bytes)
            try scene.command("DEL", "ticker-X-1")
            let worker = try scene.worker("again", settings: ["lanes": "1", "claim.after": "10m"])
            try await eventually("the worker works") { worker.errorsSoFar.contains("carrying entries") }
            try await Task.sleep(for: .seconds(1))
            try scene.command("RESTORE", "ticker-X-1", "0", .bytes(stream))
            try await eventually("it is stored: \(worker.tail())") {
                try scene.count("market_data_ticker") == 2 && scene.pendingCount() == 0
            }
            worker.send(SIGTERM)
            try await worker.wait()
            await scene.stop()
        }

        /// In one step, so that nobody reads the entry first.
        private func addTicker(_ scene: Scene, _ stream: String, heldBy consumer: String? = nil) throws {
            var commands = CommandBuffer()
            commands.append("MULTI")
            commands.append(
                "XADD", .text(stream), "*", "timestamp", "1735689600", "exchange", "X", "symbol", "S",
                "receipt_timestamp", "1735689600", "ask", "None", "bid", "1")
            if let consumer {
                commands.append(
                    "XREADGROUP", "GROUP", "millrace", .text(consumer), "STREAMS", .text(stream), ">")
            }
            commands.append("EXEC")
            let replies = try scene.onRedis().pipeline(commands)
            #expect(replies.allSatisfy { $0.error == nil })
        }

        @Test(arguments: [SIGINT, SIGHUP]) func aSignalStopsAnIdleWorkerAtOnce(_ signal: Int32) async throws {
            let scene = try await Scene()
            let worker = try await startedWorker(scene, hangUp: "--default-signal=HUP")
            worker.send(signal)
            let result = try await worker.wait()
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("stopping: finishing batches under way"))
            await scene.stop()
        }

        @Test func aWorkerOfNohupOutlivesItsTerminal() async throws {
            let scene = try await Scene()
            let worker = try await startedWorker(scene, hangUp: "--ignore-signal=HUP")
            worker.send(SIGHUP)
            try scene.addTickers(1...10)
            try await scene.expectTickers(10)
            #expect(!worker.errorsSoFar.contains("stopping"))
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            await scene.stop()
        }

        /// A worker that carries entries. Whoever runs the tests may have told them to ignore SIGHUP, and they their
        /// children.
        private func startedWorker(_ scene: Scene, hangUp: String) async throws -> MillraceProcess {
            let worker = try MillraceProcess(
                ["run"],
                environment: [
                    "MILLRACE_REDIS_URL": scene.redis.url, "MILLRACE_POSTGRES_URL": scene.databaseURL,
                    "MILLRACE_HTTP_ENABLED": "false", "MILLRACE_DISCOVERY_EVERY": "200ms",
                    "MILLRACE_SHUTDOWN_GRACE": "60s",
                ], launcher: ["/usr/bin/env", hangUp])
            try await eventually("the worker carries entries") { worker.errorsSoFar.contains("carrying entries") }
            return worker
        }

        @Test func healthAndMetricsAnswerWhileRunning() async throws {
            let scene = try await Scene()
            try scene.add([.trade("a"), .trade("b"), .trade("broken", price: "x"), .book(1)])
            let port = HTTPProbe.freePort()
            let worker = try scene.worker(settings: ["http.enabled": "true", "http.address": "127.0.0.1:\(port)"])
            let ready = try await HTTPProbe.get("/readyz", port: port) { $0.status == 200 }
            #expect(ready?.status == 200, "\(ready?.body ?? worker.tail())")
            #expect(await HTTPProbe.get("/healthz", port: port)?.status == 200)
            let metrics = try await HTTPProbe.get("/metrics", port: port) {
                $0.series("millrace_entries_acked_total") == 4
            }
            let text = try #require(metrics)
            #expect(text.status == 200)
            #expect(text.series("millrace_entries_read_total") == 4)
            #expect(text.series("millrace_entries_acked_total") == 4)
            #expect(text.series("millrace_rows_committed_total", "market_data_trades") == 2)
            #expect(text.series("millrace_rows_committed_total", "market_data_orderbook") == 1)
            #expect(text.series("millrace_batches_total", "market_data_trades") ?? 0 > 0)
            #expect(text.series("millrace_rows_dead_total", "not_a_number") == 1)
            #expect(text.series("millrace_worker_up") == 1)
            #expect(text.series("millrace_build_info") == 1)
            let stages = text.body.split(separator: "\n").filter {
                $0.hasPrefix("millrace_stage_latency_seconds_count{")
            }
            #expect(stages.count == 4)
            for stage in stages { #expect(!stage.hasSuffix(" 0"), "\(stage)") }
            #expect(text.series("millrace_copy_duration_seconds_count", "market_data_trades") ?? 0 > 0)
            #expect(text.series("millrace_destination_went_back") == 0)
            for name in [
                "millrace_rows_deduplicated_total", "millrace_batches_total", "millrace_fence_conflicts_total",
                "millrace_batch_rows_count", "millrace_commit_duration_seconds_count",
                "millrace_stage_latency_seconds_count", "millrace_entries_claimed_total",
            ] {
                #expect(text.series(name) != nil, "\(name)")
            }
            worker.send(SIGTERM)
            #expect(try await worker.wait().status == 0)
            #expect(await HTTPProbe.get("/healthz", port: port) == nil, "the port is given back")
            await scene.stop()
        }

        @Test func bytesAreInFlightUntilTheDatabaseHasAnswered() async throws {
            let scene = try await Scene()
            let worker = try scene.watched()
            try scene.addTickers(1...10)
            try await scene.expectTickers(10)
            #expect(await worker.metric("millrace_inflight_bytes") == 0)
            let locker = try PostgresConnection.connect(
                to: PostgresEndpoint(scene.databaseURL), applicationName: "locker")
            try locker.execute("BEGIN; LOCK TABLE market_data_ticker IN ACCESS EXCLUSIVE MODE", deadline: .soon)
            try scene.addTickers(11...20)
            let waiting = try await HTTPProbe.get("/metrics", port: worker.port) {
                $0.series("millrace_inflight_bytes") ?? 0 > 0
            }
            #expect(waiting?.series("millrace_inflight_bytes") ?? 0 > 0, "\(worker.process.tail())")
            try locker.execute("ROLLBACK", deadline: .soon)
            try await scene.expectTickers(20)
            #expect(await worker.metric("millrace_inflight_bytes") == 0)
            try await scene.stop([worker])
            await scene.stop()
        }
    }
}
