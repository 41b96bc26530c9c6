import PostgresWire
import Records

/// A uuid as 32 lower-case hexadecimal digits: what may stand in SQL without quoting.
public struct HexUUID: Hashable, Sendable {
    public let digits: String

    /// Reads a uuid with or without dashes; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let digits = String(text.filter { $0 != "-" }).lowercased()
        let isHex = digits.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard digits.utf8.count == 32, isHex else { return nil }
        self.digits = digits
    }

    public init(high: UInt64, low: UInt64) {
        digits = StreamID(milliseconds: high, sequence: low).uuidHex
    }
}

extension HexUUID: CustomStringConvertible {
    public var description: String { digits }
}

/// The row of `ingest.batch` that a unit writes: where its entries went. No guarantee rests on it.
///
/// A lane with tiny commits writes one row for several of them; what the earlier ones wrote is carried along.
public struct BatchLineage: Equatable, Sendable {
    public var id: HexUUID
    public var worker: String
    public var lane: Int
    /// What ended the batch: `rows`, `bytes`, `linger`, `drain`.
    public var sealedBy: String
    /// Bytes of COPY data.
    public var bytes: Int
    /// When the oldest entry was read, in microseconds since 1970.
    public var readAtMicroseconds: Int64?
    /// Earlier units that this row also stands for.
    public var earlier = Earlier()

    /// What units without a row of their own have written.
    public struct Earlier: Equatable, Sendable {
        public var tables: Set<String> = []
        public var rows = 0
        public var duplicates = 0
        public var letters = 0
        public var ranges: [CommitUnit.Range] = []

        public init() {}
    }

    public init(
        id: HexUUID, worker: String, lane: Int, sealedBy: String, bytes: Int, readAtMicroseconds: Int64? = nil
    ) {
        self.id = id
        self.worker = worker
        self.lane = lane
        self.sealedBy = sealedBy
        self.bytes = bytes
        self.readAtMicroseconds = readAtMicroseconds
    }

    /// Adds rows that were written step by step, which the unit does not hold.
    mutating func count(_ names: [TableName], _ tables: [IsolationReport.Table]) {
        for (name, table) in zip(names, tables) {
            earlier.tables.insert(name.description)
            earlier.rows += table.stored
            earlier.duplicates += table.duplicates
        }
    }
}
