import PostgresWire
public import Records

/// What a stream is to the ledger, apart from its incarnation.
public struct SourceKey: Hashable, Sendable {
    /// The deployment's name, chosen by the operator; never host and port.
    public var redisID: String
    public var redisDatabase: Int
    public var stream: StreamKey
    public var group: String

    public init(redisID: String, redisDatabase: Int, stream: StreamKey, group: String) {
        self.redisID = redisID
        self.redisDatabase = redisDatabase
        self.stream = stream
        self.group = group
    }

    /// The number of the advisory lock under which the stream's incarnation is decided.
    public var lockNumber: Int64 {
        var hash = StableHash()
        hash.combine("millrace source")
        hash.combine(redisID)
        hash.combine(String(redisDatabase))
        hash.combine(stream.bytes)
        hash.combine(group)
        return Int64(bitPattern: hash.value)
    }

    /// For `redis_id = $1 AND redis_db = $2 AND stream = $3 AND grp = $4`.
    var parameters: [String?] {
        [redisID, String(redisDatabase), "\\x" + SQLText.hex(stream.bytes), group]
    }
}

/// A row of `ingest.source`, with what the ledger adds to it.
public struct SourceRow: Equatable, Sendable {
    public var number: SourceNumber
    /// What stands behind `epoch:` in the marker consumer's name.
    public var incarnation: HexUUID
    public var isOpen: Bool
    /// The highest id known: of the row, or of the ledger, which is exact.
    public var highestID: StreamID?
    /// `entries-added` as noted last.
    public var entriesAdded: Int64?
    /// The server that the source was opened on; `nil` when it was not known.
    public var replicationID: String?

    public init(
        number: SourceNumber, incarnation: HexUUID, isOpen: Bool, highestID: StreamID? = nil,
        entriesAdded: Int64? = nil, replicationID: String? = nil
    ) {
        self.number = number
        self.incarnation = incarnation
        self.isOpen = isOpen
        self.highestID = highestID
        self.entriesAdded = entriesAdded
        self.replicationID = replicationID
    }
}

/// What the database knows about a stream, read under its lock.
public struct SourceFacts: Equatable, Sendable {
    /// Every row of this deployment, database, stream and group, newest first.
    public var rows: [SourceRow]
    /// Other groups that this database ingests the stream through.
    public var otherGroups: [String]

    public init(rows: [SourceRow], otherGroups: [String]) {
        self.rows = rows
        self.otherGroups = otherGroups
    }
}

/// A change to a stream's rows, decided under its lock.
public enum SourceChange: Equatable, Sendable {
    case close(SourceNumber)
    case reopen(SourceNumber)
    /// A new incarnation with this marker. With a floor, everything up to it counts as disposed of, by nobody knows
    /// whom ("adopted").
    case open(HexUUID, adoptedUpTo: StreamID?)
}
