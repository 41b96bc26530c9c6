public import IngestCore
public import PostgresCopy
public import PostgresWire
public import RecordCodec
public import RedisWire

/// What the lanes and the housekeeper need to know, as plain values.
public struct PipelineSettings: Sendable {
    public var redisAccess: RedisAccess
    public var postgres: PostgresEndpoint
    /// The operator's name for this Redis deployment. Part of every stream's identity in the ledger: two servers that
    /// write into one database need two names, one server that moves keeps its name.
    public var redisDeployment: String
    public var group: String
    public var worker: String
    public var lanes: Int
    public var mappings: [StreamMapping]

    /// Most entries and bytes of one read. Bytes count the entries as they lie in the reply.
    public var batchRows: Int
    public var batchBytes: Int
    /// After a read that brought little, the lane leaves the next entries in Redis so long, for a larger batch.
    public var linger = Duration.zero
    /// Most bytes of a reply that are kept; entries behind it are fetched one by one.
    public var replyBytes: Int
    /// Larger entries cannot become rows.
    public var entryBytes: Int
    /// Larger entries are dead-lettered by reference, without their fields.
    public var deadLetterBytes: Int
    public var maxFields: Int

    public var claimEvery: Duration
    /// Entries of a living consumer may be claimed when they were not touched for this long.
    public var claimAfter: Duration
    public var claimCount: Int
    public var discoverEvery: Duration
    /// About how many letters the dead-letter stream keeps. The table keeps all.
    public var mirrorMax: Int
    /// When letters that may heal by themselves are tried again.
    public var retry = RetrySchedule()
    /// Open letters, and bytes of their fields, above which a warning is logged. Letters are never dropped.
    public var letterAlert = LetterAlert()

    /// Where Redis is, with the password that was known last.
    public var redis: RedisEndpoint { redisAccess.endpoint }

    /// How many dead letters are too many not to say so.
    public struct LetterAlert: Equatable, Sendable {
        public var rows: Int
        public var bytes: Int

        public init(rows: Int = 10_000, bytes: Int = 1 << 30) {
            self.rows = rows
            self.bytes = bytes
        }
    }

    /// Whose dead letters these settings are about.
    public var letterScope: LetterScope {
        LetterScope(redisID: redisDeployment, redisDatabase: redis.database, group: group)
    }
    /// `nil` removes nothing from streams.
    public var trim: Trim?

    /// What is removed from streams once every group has acknowledged it.
    public struct Trim: Equatable, Sendable {
        /// Younger entries stay.
        public var retention: Duration
        public var every: Duration

        public init(retention: Duration, every: Duration) {
            self.retention = retention
            self.every = every
        }
    }

    public init(
        redis: RedisEndpoint, postgres: PostgresEndpoint, redisDeployment: String, group: String, worker: String,
        lanes: Int, mappings: [StreamMapping], batchRows: Int = 5_000, batchBytes: Int = 4 << 20,
        replyBytes: Int = 8 << 20, entryBytes: Int = 1 << 20, deadLetterBytes: Int = 8 << 20, maxFields: Int = 512,
        claimEvery: Duration = .seconds(1), claimAfter: Duration = .seconds(30), claimCount: Int = 500,
        discoverEvery: Duration = .seconds(2), mirrorMax: Int = 100_000, trim: Trim? = nil
    ) {
        redisAccess = RedisAccess(redis)
        self.postgres = postgres
        self.redisDeployment = redisDeployment
        self.group = group
        self.worker = worker
        self.lanes = lanes
        self.mappings = mappings
        self.batchRows = batchRows
        self.batchBytes = batchBytes
        self.replyBytes = replyBytes
        self.entryBytes = entryBytes
        self.deadLetterBytes = deadLetterBytes
        self.maxFields = maxFields
        self.claimEvery = claimEvery
        self.claimAfter = claimAfter
        self.claimCount = claimCount
        self.discoverEvery = discoverEvery
        self.mirrorMax = mirrorMax
        self.trim = trim
    }
}
