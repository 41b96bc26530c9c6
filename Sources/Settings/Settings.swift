public import RecordCodec

/// The configuration of a worker and of the commands around it, complete and checked.
///
/// `Settings.load` makes one from a file, the environment and flags; ``Settings/init(machine:)`` holds the defaults.
public struct Settings: Equatable, Sendable {
    public var redis = Redis()
    public var postgres = Postgres()
    /// The consumer group, one for all streams.
    public var consumerGroup = "millrace"
    /// The worker's name in consumers, heartbeats and sessions; the host name by default.
    public var worker: String
    /// Threads that read, encode and commit side by side; one per processor by default, at least two.
    public var lanes: Int
    public var batching = Batching()
    public var limits = Limits()
    public var claim = Claim()
    public var retry = Retry()
    public var deadLetter = DeadLetter()
    public var discovery = Discovery()
    public var http = HTTP()
    public var shutdown = Shutdown()
    public var startup = Startup()
    public var log = Log()
    public var trim = Trim()
    /// In the order of the file, which decides between mappings of the same stream.
    public var streams: [StreamMapping] = []

    /// The defaults, without streams.
    public init(machine: Machine = .current) {
        worker = machine.hostName
        lanes = max(2, machine.processorCount)
    }
}

extension Settings {
    public struct Redis: Equatable, Sendable {
        /// `redis://[user[:password]@]host[:port][/database]` or `unix:///path/to/socket`.
        public var url = "redis://127.0.0.1:6379"
        /// From `redis.password_file`, or from the environment.
        public var password: Secret?
        public var passwordFile: String?
        /// Lets a password go to another machine, without TLS.
        public var insecureOK = false
        /// The name of the Redis deployment in the ledger. It must stay the same when the server moves to another
        /// address, and differ between servers whose streams go into one database.
        public var id = "default"
    }

    public struct Postgres: Equatable, Sendable {
        /// A connection URI, or libpq's `key=value` form.
        public var url = "postgresql://127.0.0.1:5432/millrace"
        public var password: Secret?
        public var passwordFile: String?
        /// Lets another machine be reached without TLS, if the address asks for that.
        public var insecureOK = false
        /// Past a transaction pooler, for what needs a session of its own; `nil` uses ``url``.
        public var directURL: String?
        /// Lets `run` honour the `PG*` variables, as the other commands always do.
        public var useEnvironment = false
    }

    /// Upper bounds of a batch: a lane commits as soon as it is free.
    public struct Batching: Equatable, Sendable {
        public var rows = 5_000
        public var bytes = 4 << 20
        /// After a small batch, how long the next entries are left in Redis to come together.
        public var linger = Duration.zero
    }

    public struct Limits: Equatable, Sendable {
        /// Bytes of one entry's fields; larger entries become dead letters.
        public var entry = 1 << 20
        /// Bytes of one reply that a lane keeps.
        public var reply = 8 << 20
        /// Name-value pairs of one entry.
        public var fields = 512
        /// Bytes of an entry that a dead letter stores; larger ones are kept by reference.
        public var deadLetterPayload = 8 << 20
    }

    public struct Claim: Equatable, Sendable {
        public var every = Duration.seconds(1)
        /// Idle time of an entry whose consumer lives, or never had a heartbeat.
        public var after = Duration.seconds(30)
        public var count = 500
    }

    public struct Retry: Equatable, Sendable {
        public var maxAttempts = 8
        public var initialInterval = Duration.seconds(60)
        public var maxInterval = Duration.seconds(7200)
        public var jitter = Jitter.full

        public enum Jitter: String, CaseIterable, Sendable {
            /// Anywhere between zero and the interval.
            case full
            case none
        }
    }

    public struct DeadLetter: Equatable, Sendable {
        /// Entries that the dead-letter stream keeps, about; 0 turns the stream off. The table keeps all.
        public var mirrorMax = 100_000
        /// Open letters above which a warning is logged. They are never dropped.
        public var alertRows = 10_000
        /// The same for the bytes of their fields.
        public var alertBytes = 1 << 30
    }

    public struct Discovery: Equatable, Sendable {
        /// How often patterns in `keys` are resolved with SCAN.
        public var every = Duration.seconds(2)
    }

    public struct HTTP: Equatable, Sendable {
        public var enabled = true
        public var address = HTTPAddress(host: "127.0.0.1", port: 4195)
        /// Required for an address other than loopback.
        public var token: Secret?
        public var tokenFile: String?
        /// Values of `Host` to accept besides the address itself and `localhost`.
        public var allowedHosts: [String] = []
    }

    public struct Shutdown: Equatable, Sendable {
        public var grace = Duration.seconds(10)
    }

    public struct Startup: Equatable, Sendable {
        /// How long `run` waits at start for servers that cannot be reached.
        public var wait = Duration.seconds(30)
    }

    public struct Log: Equatable, Sendable {
        public var level = Level.info
        public var format = Format.text

        public enum Level: String, CaseIterable, Sendable {
            case trace, debug, info, notice, warning, error, critical
        }

        public enum Format: String, CaseIterable, Sendable {
            case text, json
        }
    }

    public struct Trim: Equatable, Sendable {
        public var mode = Mode.off
        /// Entries younger than this stay, acknowledged or not.
        public var retention = Duration.seconds(3600)
        public var every = Duration.seconds(60)

        public enum Mode: String, CaseIterable, Sendable {
            case off
            /// Up to what every group of the stream has acknowledged.
            case acked
        }
    }
}
