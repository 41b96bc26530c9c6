import CoreMetrics
import IngestCore
import PostgresWire
import RecordCodec
import RedisWire

/// What ends a lane's step. The lane drops what it holds and starts over from what is pending.
enum LaneFailure: Error {
    case redis(RedisError, RedisFailure)
    case postgres(PostgresError, FailureClass)
    /// The COMMIT's outcome is open. The same entries go through the fence again.
    case inDoubt(CommitOutcome.Doubt)
    /// The database is not the one, or not as new as, what Redis was told about.
    case destinationWentBack([DestinationCheck.Reason])
    /// Rows are missing in a committed transaction: a trigger took them.
    case committedShort(table: String)
    /// A batch was encoded to fewer rows and letters than it has entries: a mistake of ours. Nothing of it is sent.
    case miscounted(entries: Int, disposed: Int)
    /// Mappings of one stream do not go together.
    case mapping(PlanError)
    /// A stream's group was made anew while its entries were in hand. They are read again.
    case sourceReplaced(stream: String)
    /// A stream must not be ingested as things are.
    case refused(stream: String, IncarnationDecision.Refusal)

    init(_ error: RedisError) {
        switch error {
        case .server(let refusal): self = .redis(error, RedisFailure(reply: "\(refusal.code) \(refusal.message)"))
        case .protocolViolation: self = .redis(error, .garbled)
        case .connect, .timeout, .closed, .inputOutput: self = .redis(error, .passes)
        }
    }

    init(_ error: PostgresError) {
        self = .postgres(
            error, FailureClass(sqlState: error.sqlState?.code, isConnectionLost: error.isConnectionLost))
    }

    /// A bounded word for metrics.
    var label: String {
        switch self {
        case .redis(let error, _):
            switch error {
            case .connect: "connect"
            case .timeout: "timeout"
            case .closed, .inputOutput: "connection_lost"
            case .protocolViolation: "protocol"
            case .server: "refused"
            }
        case .postgres(_, .pause(let pause)): pause.reconnects ? "connection_lost" : "pause"
        case .postgres(_, .retry): "retry"
        case .postgres(_, .stop): "stop"
        case .postgres(_, .conflict), .postgres(_, .isolate): "row"
        case .inDoubt: "in_doubt"
        case .destinationWentBack: "destination_went_back"
        case .committedShort, .miscounted: "rows_missing"
        case .sourceReplaced: "source_replaced"
        case .refused: "refused"
        case .mapping: "mapping"
        }
    }

    /// How long the first wait is: some failures pass at once, some want an operator.
    var backoff: (base: Duration, cap: Duration) {
        switch self {
        case .redis(_, .wantsPerson): (.seconds(1), .seconds(5))
        case .redis, .inDoubt, .sourceReplaced: (.milliseconds(50), .seconds(2))
        case .postgres(_, .stop), .destinationWentBack, .committedShort, .miscounted, .refused, .mapping:
            (.seconds(1), .seconds(15))
        case .postgres: (.milliseconds(50), .seconds(5))
        }
    }
}

extension LaneFailure: CustomStringConvertible {
    /// For logs and `/readyz`: no content of records.
    var description: String {
        switch self {
        case .redis(let error, _): "Redis: \(error)"
        case .postgres(let error, _): "PostgreSQL: \(error)"
        case .inDoubt(.connectionLost), .inDoubt(.unclear):
            "PostgreSQL: the connection was lost during COMMIT; the ledger will tell"
        case .inDoubt(.warned): "PostgreSQL: a COMMIT's wait for a standby was cancelled; the next one will tell"
        case .destinationWentBack(let reasons):
            "destination went back: the database lacks what was acknowledged (\(reasons.count) reasons); "
                + "nothing is acknowledged until `millrace reconcile` has run"
        case .committedShort(let table):
            "a trigger of \(table) took rows away from a batch; nothing of it is acknowledged"
        case .miscounted(let entries, let disposed):
            "a batch of \(entries) entries was encoded to \(disposed) rows and letters; nothing of it was sent"
        case .mapping(let error): "configuration: \(error)"
        case .sourceReplaced(let stream): "the group of \(stream) was made anew; its entries are read again"
        case .refused(let stream, .otherGroupIngests):
            "this database ingests \(stream) through another group: use that consumer_group, or another database"
        }
    }
}
