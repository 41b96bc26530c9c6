import CoreMetrics
import IngestCore
import Logging
import Records
import RedisStreams
import RedisWire
import Waitpoints

/// 3. Entries from Redis: new ones, and pending ones that somebody left behind.
extension Pipeline {
    /// A read waits for entries at most this long, so that the lane comes round to its other duties.
    static let blockTime = Duration.milliseconds(250)

    /// Reads new entries of the streams whose turn it is; `nil` when there were none.
    func readNew() throws(LaneFailure) -> Delivered? {
        let budget = ReadPlan.Budget(entries: worker.settings.batchRows, bytes: worker.settings.batchBytes)
        guard let request = readPlan.next(budget) else {
            try settle()
            worker.stop.pause(.milliseconds(100))
            return nil
        }
        // More than one transaction may take with the read.
        if acknowledgements.count > AcknowledgementQueue.sentAtOnce { try flushAcknowledgements() }
        let unknown = sources.missing(request.streams)
        try resolve(unknown)
        // One that is left out now is not read: the next turn reads the others.
        guard unknown.allSatisfy({ worker.directory.route(of: $0) != nil }) else { return nil }
        // With a COMMIT under way nobody may wait: its answer would lie there, and its entries unacknowledged.
        let block = request.mayBlock && inFlight == nil ? Self.blockTime : nil
        let held = takeBlock()
        let unacknowledged = acknowledgements.count
        let asked = worker.now
        let outcome = try onRedis { redis throws(RedisError) in
            try redis.read(request, block: block, into: held, acknowledging: &acknowledgements, of: sources)
        }
        noteAcknowledged(of: unacknowledged)
        switch outcome {
        case .missingGroup(let streams):
            giveBack(held)
            for stream in streams { heal(stream) }
            return nil
        case .wrongType(let streams):
            giveBack(held)
            for stream in streams { leaveOut(stream) }
            return nil
        case .entries(let token):
            if !held.block.isEmpty { Waitpoint.afterRead.reach() }
            guard isCurrent(token) else {
                giveBack(held)
                return nil
            }
            return delivered(request, held, in: block == nil ? worker.now - asked : nil)
        }
    }

    /// The key holds something else than a stream. The other streams go on.
    private func leaveOut(_ stream: StreamKey) {
        worker.log.error("the key is not a stream; it is left out", metadata: ["key": "\(stream)"])
        worker.directory.block(stream)
    }

    private func delivered(_ request: ReadPlan.Request, _ held: HeldBlock, in time: Duration?) -> Delivered? {
        let runs = held.block.streams
        readPlan.observed(
            request,
            runs.map { .init(stream: $0.key, count: $0.entries.count, bytes: held.block.byteCount(of: $0.entries)) },
            in: time)
        assignment.observed(runs.map(\.key), now: worker.now)
        guard !held.block.isEmpty else {
            giveBack(held)
            return nil
        }
        // Fewer than one stream's share: nothing was left behind.
        lingers = worker.settings.linger > .zero && held.block.count < request.count
        worker.metrics.entriesRead.increment(by: held.block.count)
        var delivered = Delivered(source: held, streams: [])
        for run in runs {
            guard let source = sources[run.key], let route = worker.directory.route(of: run.key) else { continue }
            delivered.streams.append(fresh(run, source, route, held))
        }
        return delivered
    }

    /// One stream's part of the reply. Bodies that were read past stay pending and are fetched one by one.
    private func fresh(
        _ run: EntryBlock.StreamRun, _ source: SourceNumber, _ route: Routes.RouteID, _ held: HeldBlock
    ) -> Delivered.Stream {
        var ids: [StreamID] = []
        ids.reserveCapacity(run.entries.count)
        var unread: [StreamID] = []
        for index in run.entries {
            if held.block.isSkipped(index) {
                unread.append(held.block.id(index))
            } else {
                ids.append(held.block.id(index))
            }
        }
        guard !unread.isEmpty else {
            return .init(
                key: run.key, route: route, delivery: .fresh(source: source, ids: ids),
                places: .contiguous(from: run.entries.lowerBound))
        }
        claims.add(run.key, unread)
        let places = run.entries.filter { !held.block.isSkipped($0) }.map(Optional.some)
        return .init(
            key: run.key, route: route, delivery: .fresh(source: source, ids: ids, unread: unread),
            places: .listed(places))
    }

    /// Every read brings the epoch token, read behind the entries. Another one than the sources were looked up with
    /// means that some group was made anew: what was just read may be of the old one or of the new one. It is dropped;
    /// if it still exists it is pending, and is read back under the source that then holds.
    private func isCurrent(_ token: [UInt8]?) -> Bool {
        if let token, token == sources.token { return true }
        forgetSources(for: token)
        return false
    }
}

extension EntryBlock {
    func isSkipped(_ index: Int) -> Bool {
        if case .skipped = record(index).body { true } else { false }
    }
}
