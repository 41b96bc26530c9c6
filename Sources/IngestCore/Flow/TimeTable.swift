/// The one table of times (DECISIONS 8). They depend on each other: change one, check the others.
public enum TimeTable {
    /// `lock_timeout` of a commit unit.
    public static let lockTimeout = Duration.seconds(2)
    /// `lock_timeout` of the floor merge.
    public static let mergeLockTimeout = Duration.milliseconds(500)
    /// `statement_timeout`.
    public static let statementTimeout = Duration.seconds(8)
    /// `idle_in_transaction_session_timeout`.
    public static let idleInTransaction = Duration.seconds(10)
    /// The reaper looks this often …
    public static let reaperInterval = Duration.seconds(2)
    /// … and ends sessions of ours that wait for their client this long.
    public static let reaperAge = Duration.seconds(12)
    /// A lane says that it lives.
    public static let heartbeatInterval = Duration.seconds(1)
    /// What a heartbeat may take before it is tried over another connection.
    public static let heartbeatTimeout = Duration.seconds(2)
    /// A lane that said nothing for so long is dead.
    public static let silentAfter = Duration.seconds(5)
    /// Pending entries of lanes that live are claimed when idle this long. More than three statements take.
    public static let claimAfter = Duration.seconds(30)
    /// Probe before the first try, after a conflict, a reconnection or a change of the Redis server.
    public static let suspectFor = Duration.seconds(600)
    /// One worker of a database does maintenance once in this time.
    public static let maintenanceInterval = Duration.seconds(3600)
    /// How often a worker asks whether maintenance is its to do.
    public static let maintenanceCheck = Duration.seconds(60)
    /// At most one floor merge per source in this time.
    public static let mergeInterval = Duration.seconds(10)
    /// Figures of all streams, and whether everything is accounted for.
    public static let booksInterval = Duration.seconds(5)
    /// Pages of the background audit.
    public static let auditInterval = Duration.milliseconds(200)
    /// Whether somebody paused or resumed streams.
    public static let pauseInterval = Duration.seconds(1)
    /// Between the two readings that end a drain.
    public static let drainInterval = Duration.milliseconds(200)
    /// An idle lane reads streams of its neighbours after this time.
    public static let neighbourAfter = Duration.seconds(1)
    /// A running batch may finish this long after SIGTERM.
    public static let shutdownBudget = Duration.seconds(5)
}
