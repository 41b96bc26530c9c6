import CoreMetrics
import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire

/// 1. and 2.: connections, streams, and starting over.
extension Pipeline {
    func connect() throws(LaneFailure) {
        if redis == nil {
            redis = try toRedis { () throws(RedisError) in
                try RedisSession(connecting: worker, consumer: consumer, isRefilling: trustsDestination)
            }
        }
        if postgres == nil {
            let session = try toPostgres { () throws(PostgresError) in
                try PostgresSession(connecting: worker, name: "\(number)")
            }
            if !trustsDestination { try checkDestination(session) }
            postgres = session
        }
    }

    /// DECISIONS 4: what was acknowledged must be in the ledger, and the server must be the one that took it.
    private func checkDestination(_ session: PostgresSession) throws(LaneFailure) {
        let acknowledged = try onRedis { redis throws(RedisError) in try redis.acknowledged() }
        let check = try toPostgres { () throws(PostgresError) in try session.checkDestination(acknowledged) }
        guard case .wentBack(let reasons) = check else { return worker.metrics.destinationWentBack.record(0) }
        worker.metrics.destinationWentBack.record(1)
        throw .destinationWentBack(reasons)
    }

    func refreshAssignment() {
        if assignment.refresh(worker.directory, lane: consumer, now: worker.now) {
            claims.streamsCame(worker.directory.all)
        }
        readPlan.assign(parked.isEmpty ? assignment.streams : assignment.streams.filter { !parked.contains($0) })
    }

    /// Looks the sources of streams up, making groups and markers where there are none.
    func resolve(_ keys: [StreamKey]) throws(LaneFailure) {
        guard !keys.isEmpty else { return }
        // The resolver uses the same connection as the COMMIT under way.
        try settle()
        guard let redis, let postgres else { return }
        let resolver = SourceResolver(worker: worker, redis: redis, postgres: postgres)
        let resolution = try resolver.resolve(keys)
        if resolution.token != sources.token { forgetSources(for: resolution.token) }
        for (stream, source) in resolution.sources {
            sources.set(stream, source)
            guard worker.directory.takeUp(stream) else { continue }
            worker.log.notice("a stream that was left out is ingested", metadata: ["stream": "\(stream)"])
        }
        for stream in resolution.replaying { sources.suspect(stream, at: worker.now) }
        for (stream, refusal) in resolution.refused { try leaveOut(stream, refusal) }
    }

    /// The stream must not be ingested as things are. The others go on, and it is looked at again after a while.
    private func leaveOut(_ stream: StreamKey, _ refusal: IncarnationDecision.Refusal) throws(LaneFailure) {
        let failure = LaneFailure.refused(stream: "\(stream)", refusal)
        // A refill has no others.
        guard !trustsDestination else { throw failure }
        guard worker.directory.leaveOut(stream, reason: "\(failure)") else { return }
        worker.log.error(
            "a stream is left out; others go on", metadata: ["stream": "\(stream)", "reason": "\(failure)"])
    }

    /// Some group was made anew. Nothing that was learned about sources holds, and no acknowledgement may be sent that
    /// was meant for an entry of a former incarnation. What is dropped here is still pending or in the ledger.
    func forgetSources(for token: [UInt8]?) {
        sources.forget(for: token)
        acknowledgements.keep(sources: [])
        claims.reset()
    }

    /// A read said that the group, or the whole stream, is not there.
    func heal(_ stream: StreamKey) {
        sources.forget(stream)
        worker.metrics.reconnected("missing_group")
    }

    // MARK: Starting over

    /// Drops everything that is held. Whatever was not committed is still pending; whatever was is in the ledger.
    func startOver(after failure: LaneFailure) {
        inFlight = nil
        ledger = DeliveryLedger()
        acknowledgements = AcknowledgementQueue()
        claims.reset()
        owed = []
        spareBlocks = []
        for stream in assignment.streams { sources.suspect(stream, at: worker.now) }
        // A database that was restored meanwhile may have given a source's number to another one.
        sources.forget(for: nil)
        switch failure {
        case .redis(let error, let redisFailure):
            if case .timeout = error {
                readPlan.timedOut()
                bodyPage.timedOut()
            }
            worker.metrics.reconnected(failure.label)
            if redisFailure == .wantsPerson { redisRefuses(error) }
            redis = nil
            // A COMMIT may be under way on the other connection; its answer is nobody's any more.
            postgres = nil
        case .postgres, .inDoubt, .destinationWentBack, .committedShort:
            worker.metrics.postgresFailed(failure.label)
            postgres = nil
        case .miscounted, .refused, .mapping, .sourceReplaced:
            break
        }
    }

    /// Nothing of ours mends that; but somebody may have changed the password, and its file with it.
    private func redisRefuses(_ error: RedisError) {
        worker.log.error(
            "Redis refuses this worker: check its user, password and rights", metadata: ["reason": "\(error)"])
        if worker.settings.redisAccess.reread() { worker.log.notice("the password file of Redis has another password") }
    }

    /// Waits before the next try. Meanwhile the lane's pending entries are kept from being claimed as abandoned.
    func wait(_ duration: Duration) {
        worker.stop.pause(duration)
    }

    func report(failure: LaneFailure?) {
        let isSettled = inFlight == nil && ledger.isEmpty && acknowledgements.isEmpty && claims.isIdle
        let isConnected = redis != nil && postgres != nil
        let now = worker.now
        worker.status.update(number) { lane in
            lane.failure = failure.map { "\($0)" }
            lane.isSettled = isSettled
            lane.isConnected = isConnected
            lane.lastTurn = now
        }
    }

    /// Finishes the batch under way, acknowledges, and hands what is still pending to whoever comes first.
    func shutDown() {
        do throws(LaneFailure) {
            defer { handOver() }
            try settle()
            try forgetSurvived()
            try flushAcknowledgements()
        } catch {
            worker.log.warning("stopped without a clean end", metadata: ["lane": "\(number)", "reason": "\(error)"])
        }
        redis?.close()
        postgres?.connection.close()
    }

    // MARK: Calls

    func onRedis<Result>(
        _ body: (RedisSession) throws(RedisError) -> Result
    ) throws(LaneFailure) -> Result {
        guard let redis else { throw .redis(.closed, .passes) }
        return try toRedis { () throws(RedisError) in try body(redis) }
    }

    func onPostgres<Result>(
        _ body: (PostgresSession) throws(PostgresError) -> Result
    ) throws(LaneFailure) -> Result {
        guard let postgres else { throw LaneFailure(PostgresError(.connectionLost, isConnectionLost: true)) }
        return try toPostgres { () throws(PostgresError) in try body(postgres) }
    }

    private func toRedis<Result>(_ body: () throws(RedisError) -> Result) throws(LaneFailure) -> Result {
        do throws(RedisError) { return try body() } catch { throw LaneFailure(error) }
    }

    private func toPostgres<Result>(_ body: () throws(PostgresError) -> Result) throws(LaneFailure) -> Result {
        do throws(PostgresError) { return try body() } catch { throw LaneFailure(error) }
    }

    // MARK: Acknowledging

    /// Sends what is ready without waiting for the next read, in as many transactions as it takes.
    func flushAcknowledgements() throws(LaneFailure) {
        var left = acknowledgements.count
        while left > 0 {
            let token = try onRedis { redis throws(RedisError) in
                try redis.acknowledge(&acknowledgements, of: sources)
            }
            noteAcknowledged(of: left)
            // The guard of the next transaction holds from here on: what was meant for a former epoch must go first.
            if token != sources.token { forgetSources(for: token) }
            guard acknowledgements.count < left else { return }
            left = acknowledgements.count
        }
    }

    /// Makes what this consumer still holds anybody's, so that nobody has to wait for it to look abandoned. Where that
    /// fails the lane's heartbeat stays behind, grows old, and shows it to be dead.
    private func handOver() {
        let end = worker.now + TimeTable.shutdownBudget
        do throws(LaneFailure) {
            for stream in try streamsHeld(among: worker.directory.all) {
                var next: StreamID? = .min
                while let from = next {
                    guard worker.now < end else { return }
                    let ids = try onRedis { redis throws(RedisError) in
                        try redis.pendingIDs(of: stream, consumer: consumer, from: from, count: 10_000)
                    }
                    try onRedis { redis throws(RedisError) in try redis.release(ids, of: stream) }
                    next = ids.last?.successor
                }
            }
            worker.status.update(number) { $0.hasHandedOver = true }
        } catch {
            worker.log.debug("pending entries are not handed over", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Blocks

    /// A block to read into: a used one, so that steady work allocates nothing.
    func takeBlock() -> HeldBlock {
        spareBlocks.popLast() ?? HeldBlock(EntryBlock())
    }

    func giveBack(_ held: HeldBlock) {
        if spareBlocks.count < 2 { spareBlocks.append(held) }
    }
}
