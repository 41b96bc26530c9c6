import IngestCore
import Logging
import PostgresCopy
import PostgresWire
import Records
import RedisStreams
import RedisWire

/// The slower duties of the housekeeper: the books, the audit and trimming. A value that lives as long as the worker.
///
/// No guarantee rests on any of it. What a server refuses (a missing right, an old version) is told once and left;
/// a lost connection ends the turn.
struct Upkeep {
    private var bookkeeping = Bookkeeping()
    private var auditing = Auditing()
    /// Duties that a server refused, so that it is told once.
    private var refused: Set<String> = []

    /// One look at every duty that is due.
    mutating func turn(_ worker: WorkerContext, _ servers: GroupServers, _ duties: inout Duties) throws {
        if duties.isDue(.books, every: TimeTable.booksInterval) {
            try attempt("books", worker) { upkeep in
                try upkeep.bookkeeping.look(worker, servers)
                upkeep.auditing.update(upkeep.bookkeeping.books)
            }
        }
        if duties.isDue(.audit, every: TimeTable.auditInterval) {
            try attempt("audit", worker) { upkeep in
                try upkeep.auditing.step(worker, servers)
                upkeep.bookkeeping.missing = upkeep.auditing.missing
            }
        }
        if let trim = worker.settings.trim, duties.isDue(.trim, every: trim.every) {
            var isMore = false
            try attempt("trim", worker) { upkeep in
                isMore = try Self.trim(worker, servers, trim, &upkeep.bookkeeping.series)
            }
            if isMore { duties.repeatSoon(.trim) }
        }
    }

    private mutating func attempt(
        _ duty: String, _ worker: WorkerContext, _ body: (inout Upkeep) throws -> Void
    ) throws {
        do {
            try body(&self)
            refused.remove(duty)
        } catch let error as RedisError where error.serverError != nil {
            refuse(duty, "\(error)", worker)
        } catch let error as PostgresError where error.kind == .server && !error.isConnectionLost {
            refuse(duty, "\(error)", worker)
        }
    }

    private mutating func refuse(_ duty: String, _ reason: String, _ worker: WorkerContext) {
        guard refused.insert(duty).inserted else { return }
        worker.log.warning(
            "a server refuses a duty of the housekeeper", metadata: ["duty": "\(duty)", "reason": "\(reason)"])
    }

    // MARK: Trimming

    /// Entries that one turn removes of one stream; more wait for the next turn, so that heartbeats are never late.
    private static let trimmedAtOnce = 100_000

    /// - Returns: whether there is more to do.
    private static func trim(
        _ worker: WorkerContext, _ servers: GroupServers, _ settings: PipelineSettings.Trim,
        _ series: inout StreamSeries
    ) throws -> Bool {
        var isMore = false
        for stream in worker.ownStreams {
            let result = try StreamTrimming(servers).trim(
                stream, retention: settings.retention, most: trimmedAtOnce)
            switch result {
            case .success(let count) where count > 0:
                series.trimmed(stream, count)
                worker.log.info(
                    "trimmed what every group has acknowledged", metadata: ["stream": "\(stream)", "count": "\(count)"])
                isMore = isMore || count >= trimmedAtOnce
            case .success: break
            case .failure(.destinationWentBack): return false
            case .failure(let obstacle):
                worker.log.debug("nothing to trim", metadata: ["stream": "\(stream)", "reason": "\(obstacle)"])
            }
        }
        return isMore
    }
}

extension WorkerContext {
    /// The streams that rendezvous gives to a lane of this process: upkeep of each is done once for all workers.
    var ownStreams: [StreamKey] {
        var streams: Set<StreamKey> = []
        for consumer in consumers { streams.formUnion(directory.streams(of: consumer)) }
        return streams.sorted()
    }
}
