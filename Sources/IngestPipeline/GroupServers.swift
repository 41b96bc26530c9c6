import IngestCore
public import PostgresCopy
public import PostgresWire
public import Records
import RedisStreams
public import RedisWire

/// The two servers of a group as upkeep and commands see them, on connections of their own.
public struct GroupServers {
    public let redis: RedisConnection
    public let postgres: PostgresConnection
    /// The operator's name for the Redis deployment.
    public let deployment: String
    public let redisDatabase: Int
    public let group: String

    public init(
        redis: RedisConnection, postgres: PostgresConnection, deployment: String, redisDatabase: Int, group: String
    ) {
        self.redis = redis
        self.postgres = postgres
        self.deployment = deployment
        self.redisDatabase = redisDatabase
        self.group = group
    }

    init(_ worker: WorkerContext, _ redis: RedisConnection, _ postgres: PostgresConnection) {
        self.init(
            redis: redis, postgres: postgres, deployment: worker.settings.redisDeployment,
            redisDatabase: worker.settings.redis.database, group: worker.settings.group)
    }

    var ledger: LedgerStore { LedgerStore(postgres) }
    var deadline: ContinuousClock.Instant { .now + PostgresSession.patience }

    /// The books of the group's open sources, or of one stream's.
    public func books(of stream: StreamKey? = nil) throws(PostgresError) -> [SourceBook] {
        try ledger.books(
            redisID: deployment, redisDatabase: redisDatabase, group: group, stream: stream, deadline: deadline)
    }

    /// Whether the database lacks what was acknowledged, or is another one: `millrace reconcile` comes first.
    /// A server that does not say which it is, as a standby, is judged by what it has alone.
    public func hasDestinationGoneBack() throws -> Bool {
        guard case .wentBack(let reasons) = try destination() else { return false }
        let isKnown = DestinationCheck.Identity(try DestinationStore(postgres).current(deadline: deadline)) != nil
        return reasons.contains { reason in
            switch reason {
            case .acknowledgedIDMissing: true
            case .systemChanged, .timelineChanged: isKnown
            }
        }
    }

    /// Whether this database is the one that Redis was told about: see ``DestinationCheck``. Notes nothing.
    func destination() throws -> DestinationCheck {
        let acknowledged = try redis.acknowledgedIDs(group: group)
        let found = try DestinationStore(postgres).current(deadline: deadline)
        return try DestinationCheck(acknowledged, of: postgres, found: found, deadline: deadline)
    }
}

extension DestinationCheck {
    /// Asks a database which server it is and whether it has what was acknowledged.
    init(
        _ acknowledged: [SourceNumber: StreamID], of connection: PostgresConnection, found: ServerIdentity,
        deadline: PostgresConnection.Deadline
    ) throws(PostgresError) {
        let noted = try DestinationStore(connection).noted(deadline: deadline)
        let windows = acknowledged.map { (source: $0.key, ids: IDRange($0.value)) }
        self.init(
            stored: noted.flatMap(Identity.init), found: Identity(found) ?? .init(system: 0, timeline: 0),
            acknowledged: acknowledged,
            coverage: Coverage(try LedgerStore(connection).coverage(of: windows, deadline: deadline)))
    }
}
